//! What a bucket has, as it is on disk: smaller than [entries](super::entries), so that there are fewer buckets to read and to
//! write anew.
//!
//! Of a key only the [prefix](Prefix) is kept. The first byte says of how many bytes the prefixes and the rows are, four bits
//! for each: as many as the largest takes. All prefixes follow in order, then the rows in the same order; of each number the
//! most significant byte comes first. Prefixes are counted from a beginning that follows from the bucket's number: the
//! greatest prefix that it may have is the last one that so many bytes can say.

use rusqlite::types::FromSqlError;

use super::entries::{self, Entry, Prefix};

/// How many bytes of a row's page a bucket may take, so that it needs no other page: 4,096 less what SQLite has there itself.
pub(super) const MOST: usize = 4_050;

/// A prefix and its row.
pub(super) type Pair = (Prefix, i64);

/// The pair of an entry.
pub(super) fn pair(entry: &Entry) -> Pair {
    (entries::key(entry).prefix(), entries::row(entry))
}

/// The bytes of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<'a> {
    from: Prefix,
    widths: Widths,
    prefixes: &'a [u8],
    rows: &'a [u8],
}

/// How many bytes prefixes and rows take.
#[derive(Clone, Copy, Debug)]
struct Widths {
    prefix: usize,
    row: usize,
}

impl Widths {
    /// Those for these in a bucket with this number.
    fn of(id: Prefix, pairs: &[Pair]) -> Self {
        let least = pairs.first().map_or(id, |(prefix, _)| *prefix);
        let greatest = pairs.iter().map(|(_, row)| *row).max().unwrap_or_default();
        Self { prefix: bytes_of(id.saturating_sub(least)), row: bytes_of(greatest) }
    }

    /// None: no bucket has this byte.
    fn read(byte: u8) -> Option<Self> {
        let (prefix, row) = (usize::from(byte >> 4), usize::from(byte & 0xf));
        [prefix, row].iter().all(|width| (FEWEST..=MOST_A_NUMBER).contains(width)).then_some(Self { prefix, row })
    }

    const fn both(self) -> usize {
        self.prefix.saturating_add(self.row)
    }

    fn byte(self) -> u8 {
        u8::try_from(self.prefix << 4 | self.row).unwrap_or(u8::MAX)
    }

    /// The prefix from which others are counted in a bucket with this number.
    fn from(self, id: Prefix) -> Prefix {
        id.saturating_sub((1 << (self.prefix * 8)) - 1)
    }
}

/// The fewest and the most bytes that a number takes here.
const FEWEST: usize = 3;
const MOST_A_NUMBER: usize = 5;

/// How many bytes it takes to write down a number that is not below zero.
fn bytes_of(number: i64) -> usize {
    let bits = i64::BITS - number.max(1).leading_zeros();
    (bits.div_ceil(8) as usize).max(FEWEST)
}

/// The number in some bytes.
fn number(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Reads numbers of so many bytes, each into one of these.
fn read<'a>(bytes: &[u8], width: usize, into: impl Iterator<Item = &'a mut i64>) {
    fn of<'a, const WIDTH: usize>(bytes: &[u8], into: impl Iterator<Item = &'a mut i64>) {
        for (into, bytes) in into.zip(bytes.as_chunks::<WIDTH>().0) {
            *into = number(bytes);
        }
    }
    match width {
        FEWEST => of::<FEWEST>(bytes, into),
        MOST_A_NUMBER => of::<MOST_A_NUMBER>(bytes, into),
        _ => of::<4>(bytes, into),
    }
}

/// Writes numbers with so many bytes each.
fn write(bytes: &mut [u8], width: usize, numbers: impl Iterator<Item = i64>) {
    fn of<const WIDTH: usize>(bytes: &mut [u8], numbers: impl Iterator<Item = i64>) {
        for (bytes, number) in bytes.as_chunks_mut::<WIDTH>().0.iter_mut().zip(numbers) {
            if let Some(last) = number.to_be_bytes().last_chunk() {
                *bytes = *last;
            }
        }
    }
    match width {
        FEWEST => of::<FEWEST>(bytes, numbers),
        MOST_A_NUMBER => of::<MOST_A_NUMBER>(bytes, numbers),
        _ => of::<4>(bytes, numbers),
    }
}

impl<'a> Packed<'a> {
    /// What is in the bucket with this number.
    ///
    /// # Errors
    /// There is something else in it.
    pub(super) fn read(id: Prefix, bytes: &'a [u8]) -> rusqlite::Result<Self> {
        let damaged = || FromSqlError::Other("a bucket of keys has something else in it".into());
        let (widths, numbers) = bytes.split_first().ok_or_else(damaged)?;
        let widths = Widths::read(*widths).ok_or_else(damaged)?;
        let count = numbers.len() / widths.both();
        let (prefixes, rows) = numbers.split_at_checked(count * widths.prefix).ok_or_else(damaged)?;
        if rows.len() != count * widths.row {
            return Err(damaged().into());
        }
        Ok(Self { from: widths.from(id), widths, prefixes, rows })
    }

    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.prefixes.len() / self.widths.prefix
    }

    fn prefix(self, at: usize) -> Prefix {
        self.from.saturating_add(number(nth(self.prefixes, self.widths.prefix, at)))
    }

    /// All of them.
    ///
    /// # Errors
    /// They are not in order: whoever looks for one would miss some.
    pub(super) fn pairs(self) -> rusqlite::Result<Vec<Pair>> {
        let mut pairs = vec![(0, 0); self.len()];
        read(self.prefixes, self.widths.prefix, pairs.iter_mut().map(|(prefix, _)| prefix));
        read(self.rows, self.widths.row, pairs.iter_mut().map(|(_, row)| row));
        for (prefix, _) in &mut pairs {
            *prefix = self.from.saturating_add(*prefix);
        }
        if pairs.is_sorted() { Ok(pairs) } else { Err(FromSqlError::Other("keys are not in order".into()).into()) }
    }

    /// The rows that have this prefix.
    pub(super) fn with(self, wanted: Prefix) -> impl Iterator<Item = i64> {
        let (mut first, mut after) = (0, self.len());
        while first < after {
            let middle = first.midpoint(after);
            if self.prefix(middle) < wanted {
                first = middle.saturating_add(1);
            } else {
                after = middle;
            }
        }
        (first..self.len())
            .take_while(move |at| self.prefix(*at) == wanted)
            .map(move |at| number(nth(self.rows, self.widths.row, at)))
    }
}

/// The bytes of the number at this place.
fn nth(numbers: &[u8], width: usize, at: usize) -> &[u8] {
    let from = at.saturating_mul(width);
    numbers.get(from..from.saturating_add(width)).unwrap_or_default()
}

/// These as the bytes of the bucket with this number: they are in order, and none is beyond it.
pub(super) fn pack(id: Prefix, pairs: &[Pair]) -> Vec<u8> {
    let widths = Widths::of(id, pairs);
    let from = widths.from(id);
    let mut bytes = vec![0; pairs.len().saturating_mul(widths.both()).saturating_add(1)];
    if let Some((first, numbers)) = bytes.split_first_mut() {
        *first = widths.byte();
        let (prefixes, rows) = numbers.split_at_mut(pairs.len().saturating_mul(widths.prefix));
        write(prefixes, widths.prefix, pairs.iter().map(|(prefix, _)| prefix.saturating_sub(from)));
        write(rows, widths.row, pairs.iter().map(|(_, row)| *row));
    }
    bytes
}

/// How many pairs as large as these the bucket with this number may have.
pub(super) fn room(id: Prefix, pairs: &[Pair]) -> usize {
    MOST.saturating_sub(1) / Widths::of(id, pairs).both()
}

#[cfg(test)]
mod tests {
    use super::super::entries::LAST;
    use super::*;

    /// How a bucket's bytes begin, and what is in them.
    fn round(id: Prefix, pairs: &[Pair]) -> (u8, usize, Vec<Pair>) {
        let bytes = pack(id, pairs);
        let packed = Packed::read(id, &bytes).unwrap();
        for (prefix, _) in pairs {
            let rows: Vec<_> = pairs.iter().filter(|(other, _)| other == prefix).map(|(_, row)| *row).collect();
            assert_eq!(packed.with(*prefix).collect::<Vec<_>>(), rows);
        }
        (bytes[0], bytes.len(), packed.pairs().unwrap())
    }

    #[test]
    fn what_went_in_comes_out_and_takes_as_little_room_as_the_largest_needs() {
        let near = [(LAST - 0xff_ffff, 0), (LAST - 2, 7), (LAST - 2, 0xff_ffff), (LAST, 1)];
        assert_eq!(round(LAST, &near), (0x33, 1 + 4 * 6, near.to_vec()));
        let far = [(LAST - 0x100_0000, 0), (LAST, 0x100_0000)];
        assert_eq!(round(LAST, &far), (0x44, 1 + 2 * 8, far.to_vec()));
        let farther = [(0, 0), (1 << 31, (1 << 40) - 1), (LAST, 1 << 32)];
        assert_eq!(round(LAST, &farther), (0x45, 1 + 3 * 9, farther.to_vec()));
        // Prefixes may begin below zero.
        assert_eq!(round(5, &[(0, 1), (5, 2)]), (0x33, 1 + 2 * 6, vec![(0, 1), (5, 2)]));
        assert_eq!(round(5, &[]), (0x33, 1, vec![]));
    }

    #[test]
    fn a_prefix_is_found_among_many_and_no_other_is() {
        let pairs: Vec<_> = (0..600).map(|n| (1_000 + n / 3 * 10, n)).collect();
        let bytes = pack(10_000, &pairs);
        let packed = Packed::read(10_000, &bytes).unwrap();
        for n in 0..200 {
            assert_eq!(packed.with(1_000 + n * 10).collect::<Vec<_>>(), [3 * n, 3 * n + 1, 3 * n + 2]);
            assert_eq!(packed.with(1_001 + n * 10).next(), None);
        }
        assert_eq!((packed.with(0).next(), packed.with(LAST).next()), (None, None));
    }

    #[test]
    fn as_many_as_there_is_room_for_take_a_page_and_not_more() {
        for least in [0, LAST - 100] {
            let pairs = vec![(least, 1); 10_000];
            let room = room(LAST, &pairs);
            let [full, more] = [room, room + 1].map(|count| pack(LAST, &pairs[..count]).len());
            assert!(full <= MOST && more > MOST, "{full} {more}");
        }
    }

    #[test]
    fn what_is_no_bucket_is_an_error() {
        let whole = pack(LAST, &[(1, 1), (2, 2)]);
        let (cut, more) = (&whole[..whole.len() - 1], [&whole[..], &[0]].concat());
        for damaged in [&[], cut, &more, &[0x23, 0, 0, 0, 0, 0, 0], &[0x36], &[0xff]] {
            assert!(Packed::read(LAST, damaged).is_err(), "{damaged:?}");
        }
        let disorder = pack(LAST, &[(1, 1), (3, 1), (2, 1)]);
        assert!(Packed::read(LAST, &disorder).unwrap().pairs().unwrap_err().to_string().contains("not in order"));
    }
}
