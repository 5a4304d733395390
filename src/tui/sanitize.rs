//! Text from strangers, made safe to draw.
//!
//! * No control character gets through: C0 and DEL become their pictures, C1 a replacement.
//! * Nothing reorders or hides what follows: bidirectional controls and invisible format characters are left out.
//! * What it costs depends on the room there is, not on the length of the text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most characters that one grapheme keeps: enough for any emoji, not for towers of accents.
const MAX_CHARS_IN_GRAPHEME: usize = 12;

/// For each column at most so many characters of the text are looked at.
const CHARS_PER_COLUMN: usize = 16;

/// What marks that there is more.
pub const MORE: char = '…';

/// The text in one line of at most `columns` columns, `…` at its end when there was more.
pub fn line(text: &str, columns: usize) -> String {
    wrap(text, columns, 1).pop().unwrap_or_default()
}

/// Of a telephone number that is too long its end, which tells it from others. All else is left as it is.
pub fn shortened<'a>(name: impl Into<Cow<'a, str>>, columns: usize) -> Cow<'a, str> {
    let name = name.into();
    let is_number = name.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match name.get((name.len() + 1).saturating_sub(columns.max(1))..) {
        Some(end) if is_number && name.len() > columns => format!("{MORE}{end}").into(),
        _ => name,
    }
}

/// The text in at most `rows` lines of at most `columns` columns each; `…` at the end of the last when there was more.
///
/// Lines break at spaces where there are any. Line feeds break lines when there is more than one row, and are shown as
/// `⏎` in a single one.
pub fn wrap(text: &str, columns: usize, rows: usize) -> Vec<String> {
    if columns == 0 || rows == 0 {
        return Vec::new();
    }
    let (text, mut cut) = start_of(text, (columns + 1).saturating_mul(rows).saturating_mul(CHARS_PER_COLUMN));
    let line = String::with_capacity(text.len().min(columns + MORE.len_utf8()));
    let mut lines = Wrapper { columns, rows, done: Vec::new(), line, width: 0 };
    for grapheme in Graphemes(text) {
        let fits = match grapheme {
            "\n" | "\r\n" if rows > 1 => lines.break_line(),
            _ => match safe(grapheme) {
                Cow::Borrowed(same) => lines.push(same),
                Cow::Owned(other) => other.graphemes(true).all(|part| lines.push(part)),
            },
        };
        if !fits {
            cut = true;
            break;
        }
    }
    lines.finish(cut)
}

/// Graphemes. Most texts are ASCII, where each is one byte: there the tables of Unicode are not asked.
struct Graphemes<'a>(&'a str);

impl<'a> Iterator for Graphemes<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        // What comes before a character that is no ASCII may belong to it.
        let end = match self.0.as_bytes() {
            [first, rest @ ..] if is_plain_byte(*first) && rest.first().is_none_or(u8::is_ascii) => 1,
            _ => self.0.graphemes(true).next()?.len(),
        };
        let (grapheme, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(grapheme)
    }
}

/// Nothing in the text needs care: it is printable ASCII, each byte a column.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(is_plain_byte)
}

const fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// How many columns a grapheme takes that is safe.
fn width(grapheme: &str) -> usize {
    if matches!(grapheme.as_bytes(), [byte] if is_plain_byte(*byte)) { 1 } else { grapheme.width() }
}

struct Wrapper {
    columns: usize,
    rows: usize,
    done: Vec<String>,
    line: String,
    width: usize,
}

impl Wrapper {
    /// Adds a grapheme. Returns false when there is no room left.
    fn push(&mut self, grapheme: &str) -> bool {
        let width = width(grapheme);
        if width > self.columns {
            return self.push("?");
        }
        if self.width + width > self.columns {
            if self.done.len() + 1 >= self.rows {
                return false;
            }
            // Break at the last space, when the line has one that is not right at its beginning.
            let tail = match self.line.rfind(' ') {
                Some(at) if at > 0 && grapheme != " " => {
                    let tail = self.line.split_off(at + 1);
                    self.line.truncate(at);
                    tail
                }
                _ => String::new(),
            };
            self.break_line();
            if tail.is_empty() && grapheme == " " {
                return true;
            }
            self.width = tail.width();
            self.line = tail;
        }
        self.line.push_str(grapheme);
        self.width += width;
        true
    }

    /// Begins a new line. Returns false when there is no room for one.
    fn break_line(&mut self) -> bool {
        if self.done.len() + 1 >= self.rows {
            return false;
        }
        self.done.push(std::mem::take(&mut self.line));
        self.width = 0;
        true
    }

    fn finish(mut self, cut: bool) -> Vec<String> {
        if cut {
            while self.line.width() + 1 > self.columns {
                let last = self.line.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
                self.line.truncate(last);
            }
            self.line.push(MORE);
        }
        self.done.push(self.line);
        self.done
    }
}

/// The first `chars` characters, and whether there are more.
fn start_of(text: &str, chars: usize) -> (&str, bool) {
    if text.len() <= chars {
        return (text, false);
    }
    match text.char_indices().nth(chars) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    }
}

/// How many columns a grapheme takes as it is drawn.
pub fn columns(grapheme: &str) -> usize {
    safe(grapheme).width()
}

/// A grapheme that can be drawn: nothing in it controls anything.
///
/// Terminals disagree on how wide a character is that is asked to be an emoji (`❤️`, `☎️`), on those that are joined to
/// one (a family, a heart on fire), and on those with a tone of skin: some draw one, some all of them beside one another.
/// Without what asks for it they agree. So those that were joined stand beside one another, and the tone is left out.
fn safe(grapheme: &str) -> Cow<'_, str> {
    if matches!(grapheme.as_bytes(), [byte] if is_plain_byte(*byte)) {
        return Cow::Borrowed(grapheme);
    }
    let chars = grapheme.chars().enumerate().filter(|&(at, c)| {
        let asks = c == '\u{fe0f}' || (at > 0 && ('\u{1f3fb}'..='\u{1f3ff}').contains(&c));
        !asks && !is_invisible(c)
    });
    let safe = chars.map(|(_, c)| picture(c)).take(MAX_CHARS_IN_GRAPHEME);
    if safe.clone().eq(grapheme.chars()) { Cow::Borrowed(grapheme) } else { Cow::Owned(safe.collect()) }
}

/// What is drawn for a character.
fn picture(c: char) -> char {
    match c {
        '\t' => ' ',
        '\n' | '\u{2028}' | '\u{2029}' => '⏎',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        _ => c,
    }
}

/// Characters that nobody sees and that reorder, join or hide others.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_number_that_is_too_long_the_end_stays() {
        for (name, columns, shown) in [
            ("+15551112222", 12, "+15551112222"),
            ("+15551112222", 11, "…5551112222"),
            ("+15551112222", 1, "…"),
            ("+15551112222", 0, "…"),
            ("Christopher Montgomery", 5, "Christopher Montgomery"),
            ("+", 0, "…"),
            ("+ñandú", 2, "+ñandú"),
            ("", 0, ""),
        ] {
            assert_eq!(shortened(name, columns), shown, "{name} {columns}");
        }
    }

    #[test]
    fn control_characters_are_shown_and_do_nothing() {
        assert_eq!(line("a\u{1b}[31mb\u{7}\u{7f}\u{9b}31m", 40), "a␛[31mb␇␡\u{fffd}31m");
        assert_eq!(line("a\nb\tc\r\nd", 40), "a⏎b c␍⏎d");
    }

    #[test]
    fn nothing_reorders_or_hides() {
        assert_eq!(line("pay\u{202e}lla\u{2066}x\u{200b}\u{feff}\u{e0041}", 40), "payllax");
    }

    #[test]
    fn what_terminals_disagree_on_is_drawn_as_wide_as_all_of_them_have_it() {
        assert_eq!(line("❤\u{fe0f} ok 1\u{fe0f}\u{20e3}", 40), "❤ ok 1\u{20e3}");
        assert_eq!((line("❤\u{fe0f}x", 40).width(), line("👍\u{fe0f}", 40).width()), (2, 2));
        assert_eq!(line("👨\u{200d}👩\u{200d}👧 ok", 40), "👨👩👧 ok");
        assert_eq!(line("❤\u{fe0f}\u{200d}🔥 👍🏽", 40), "❤🔥 👍");
        assert_eq!(line("👨\u{200d}👩\u{200d}👧", 4), "👨…");
        assert_eq!((columns("👨\u{200d}👩\u{200d}👧"), columns("👍🏽"), columns("🏽")), (6, 2, 2));
    }

    #[test]
    fn what_does_not_fit_ends_with_a_mark() {
        assert_eq!(line("hello world", 8), "hello w…");
        assert_eq!(line("日本語", 5), "日本…");
        assert_eq!(line("日本語", 6), "日本語");
        assert_eq!(line("日", 1), "?");
        assert_eq!(line("x", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_and_line_feeds() {
        assert_eq!(wrap("the quick brown fox", 10, 5), ["the quick", "brown fox"]);
        assert_eq!(wrap("abcdefghijkl", 5, 5), ["abcde", "fghij", "kl"]);
        assert_eq!(wrap("a\nb\nc", 5, 2), ["a", "b…"]);
    }

    #[test]
    fn a_tower_of_accents_and_a_huge_body_cost_no_more_than_the_screen() {
        let tower = format!("a{}", "\u{301}".repeat(10_000));
        assert!(line(&tower, 10).chars().count() <= MAX_CHARS_IN_GRAPHEME + 1);
        assert!(line(&"x".repeat(1_000_000), 10).len() <= 16);
    }

    proptest! {
        #[test]
        fn graphemes_are_those_of_unicode(text in "([ -~]|\\PC|[\r\n\u{301}\u{200d}\u{fe0f}👩🇩🇪क\u{94d}]){0,30}") {
            prop_assert_eq!(Graphemes(&text).collect::<Vec<_>>(), text.graphemes(true).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_fits_its_room_and_controls_nothing(text in any::<String>(), columns in 0_usize..60, rows in 0_usize..6) {
            let lines = wrap(&text, columns, rows);
            prop_assert!(lines.len() <= rows);
            for line in lines {
                prop_assert!(line.width() <= columns, "{line:?}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
                prop_assert!(!line.chars().any(is_invisible), "{line:?}");
            }
        }
    }
}
