//! Letters of four rows, for a code that is compared with another screen.

/// The columns of a letter, with the gap after it.
const ADVANCE: usize = 6;

/// Letters and digits of 5×7 pixels: each row has five bits, the leftmost the highest. `0`, `I`, `O` and `U`, which codes
/// don't have, are left out.
const LETTERS: &[(char, [u8; 7])] = &[
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111]),
    ('3', [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]),
    ('A', [0b00100, 0b01010, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001]),
    ('B', [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110]),
    ('C', [0b01111, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b01111]),
    ('D', [0b11100, 0b10010, 0b10001, 0b10001, 0b10001, 0b10010, 0b11100]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('F', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('G', [0b01111, 0b10000, 0b10000, 0b10011, 0b10001, 0b10001, 0b01111]),
    ('H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('J', [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100]),
    ('K', [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]),
    ('N', [0b10001, 0b11001, 0b11001, 0b10101, 0b10011, 0b10011, 0b10001]),
    ('P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('Q', [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('V', [0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b01010, 0b00100]),
    ('W', [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001]),
    ('X', [0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001]),
    ('Y', [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('Z', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111]),
    ('-', [0, 0, 0, 0b01110, 0, 0, 0]),
];

/// A text in large letters, at most `columns` wide. None: it doesn't fit, or has letters that are not here.
pub(super) fn large(text: &str, columns: u16) -> Option<[String; 4]> {
    let letters = text.chars().take(usize::from(columns)).map(letter).collect::<Option<Vec<_>>>()?;
    if letters.is_empty() || letters.len() * ADVANCE > usize::from(columns) + 1 {
        return None;
    }
    Some([0, 2, 4, 6].map(|row| letters.iter().map(|letter| half_blocks(letter, row)).collect()))
}

fn letter(c: char) -> Option<&'static [u8; 7]> {
    LETTERS.iter().find(|(letter, _)| *letter == c).map(|(_, rows)| rows)
}

/// Two rows of pixels as one row of text.
fn half_blocks(letter: &[u8; 7], row: usize) -> String {
    let bits = |row: usize| letter.get(row).copied().unwrap_or_default();
    let pixel = |column: usize| match (bits(row) << column & 0b10000 != 0, bits(row + 1) << column & 0b10000 != 0) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    (0..ADVANCE).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_when_there_is_room() {
        let drawn = large("L7", 11).unwrap();
        assert_eq!(drawn.map(|row| row.trim_end().to_owned()), ["█     ▀▀▀▀█", "█       ▄▀", "█      █", "▀▀▀▀▀  ▀"]);
        assert!(large("L7", 10).is_none());
        assert!(large("ABCD-1234", 53).is_some_and(|rows| rows.iter().all(|row| row.chars().count() == 54)));
        for other in ["", "0", "ABCD-123!", "日本"] {
            assert!(large(other, 200).is_none(), "{other}");
        }
    }

    #[test]
    fn no_two_letters_can_be_taken_for_one_another() {
        for (n, (one, rows)) in LETTERS.iter().enumerate() {
            for (other, others) in &LETTERS[n + 1..] {
                let pixels: u32 = rows.iter().zip(others).map(|(a, b)| (a ^ b).count_ones()).sum();
                assert!(pixels >= 3, "{one} {other}");
            }
        }
    }
}
