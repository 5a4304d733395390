//! Keys and the rows that have them, as they are kept in memory and on disk.

use rusqlite::Error;
use rusqlite::types::FromSqlError;
use sha2::{Digest, Sha256};

/// What a message is looked up by: the first 40 bits of a hash of what names it. With ten million messages one of 100,000
/// look-ups compares names in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct Key(u64);

/// The bits of a key.
const BITS: u32 = 40;

/// A key and the number of its row, each in five bytes of which the most significant comes first: so entries are in the order
/// of their keys, and a list of them is in memory what it is on disk.
pub(in crate::store) type Entry = [u8; 10];

/// The [first bits](Key::prefix) of a key.
pub(super) type Prefix = i64;

/// The greatest prefix.
pub(super) const LAST: Prefix = (1 << (BITS - 8)) - 1;

impl Key {
    pub(super) fn of(names: [&str; 3]) -> Self {
        let mut hash = Sha256::new();
        for name in names {
            hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(name);
        }
        let hash: [u8; 32] = hash.finalize().into();
        let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
        // As keys of 64 bits began, so that those of older versions are found.
        Self(u64::from_le_bytes(*first) >> (u64::BITS - BITS))
    }

    /// Its first 32 bits, by which it comes into a bucket, and which are all that is kept of it there. With ten million
    /// messages one of 400 look-ups compares names in vain.
    pub(super) fn prefix(self) -> Prefix {
        Prefix::try_from(self.0 >> 8).unwrap_or(LAST)
    }

    /// The part of a generation that it is in.
    pub(super) fn part(self) -> i64 {
        i64::try_from((self.0 * super::PARTS.unsigned_abs()) >> BITS).unwrap_or(0)
    }

    /// As a key of 64 bits, from which [`migrated`] makes the same again: messages of old versions get those first.
    pub(in crate::store) const fn migrating(self) -> i64 {
        (self.0 << (u64::BITS - BITS)).cast_signed()
    }

    /// Its bits, in another way than its part and its order have them.
    pub(super) fn mixed(self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A key with the number of its row.
///
/// # Errors
/// The number is more than can be kept: a million million.
pub(in crate::store) fn entry(key: Key, n: i64) -> rusqlite::Result<Entry> {
    let ([0, 0, 0, n1, n2, n3, n4, n5], [_, _, _, k1, k2, k3, k4, k5]) = (n.to_be_bytes(), key.0.to_be_bytes()) else {
        return Err(Error::IntegralValueOutOfRange(0, n));
    };
    Ok([k1, k2, k3, k4, k5, n1, n2, n3, n4, n5])
}

/// The same for a key of 64 bits, as older versions had them.
///
/// # Errors
/// As above.
pub(in crate::store) fn migrated(key: i64, n: i64) -> rusqlite::Result<Entry> {
    entry(Key(key.cast_unsigned() >> (u64::BITS - BITS)), n)
}

/// The key of an entry.
pub(super) fn key(&[k1, k2, k3, k4, k5, ..]: &Entry) -> Key {
    Key(u64::from_be_bytes([0, 0, 0, k1, k2, k3, k4, k5]))
}

/// The row of an entry.
pub(super) fn row(&[.., n1, n2, n3, n4, n5]: &Entry) -> i64 {
    i64::from_be_bytes([0, 0, 0, n1, n2, n3, n4, n5])
}

/// The rows that have this key among those in order.
pub(super) fn with(entries: &[Entry], wanted: Key) -> impl Iterator<Item = i64> {
    let first = entries.partition_point(|entry| key(entry) < wanted);
    entries.iter().skip(first).take_while(move |entry| key(entry) == wanted).map(row)
}

/// The entries of a row.
///
/// # Errors
/// There is something else in it.
pub(super) fn read(bytes: &[u8]) -> rusqlite::Result<&[Entry]> {
    match bytes.as_chunks() {
        (entries, []) => Ok(entries),
        (entries, _) => {
            let expected_size = entries.as_flattened().len();
            Err(FromSqlError::InvalidBlobSize { expected_size, blob_size: bytes.len() }.into())
        }
    }
}

/// The same, also looking whether they are in order: whoever looks for a key would miss some else.
///
/// # Errors
/// They are not, or there is something else in it.
pub(super) fn read_all(bytes: &[u8]) -> rusqlite::Result<&[Entry]> {
    let entries = read(bytes)?;
    if entries.is_sorted() { Ok(entries) } else { Err(FromSqlError::Other("keys are not in order".into()).into()) }
}

/// What is in both, which are in order, each once. It is quickest with the shorter one second.
pub(super) fn together<T: Copy + Ord>(one: &[T], other: &[T]) -> Vec<T> {
    let mut both = Vec::with_capacity(one.len().saturating_add(other.len()));
    let mut rest = one;
    for entry in other {
        let (before, after) = rest.split_at(rest.partition_point(|there| there < entry));
        both.extend_from_slice(before);
        if after.first() != Some(entry) {
            both.push(*entry);
        }
        rest = after;
    }
    both.extend_from_slice(rest);
    both
}

#[cfg(test)]
impl Key {
    /// Any key.
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << BITS) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_what_went_in_and_is_in_the_order_of_keys() {
        let last = (1 << BITS) - 1;
        let mut before = None;
        for bits in [0, 1, 255, 256, 1 << 34, last] {
            for n in [0, 1, 1 << 20, last as i64] {
                let entry = entry(Key::from_bits(bits), n).unwrap();
                assert_eq!((key(&entry), row(&entry)), (Key::from_bits(bits), n));
                assert!(before.replace(entry) < Some(entry));
            }
        }
        let [first, last] = [0, last].map(Key::from_bits);
        assert_eq!([first.part(), last.part()], [0, super::super::PARTS - 1]);
        assert_eq!([first.prefix(), last.prefix()], [0, LAST]);
        for n in [-1, 1 << BITS, i64::MAX] {
            assert!(entry(first, n).is_err());
        }
    }

    #[test]
    fn keys_of_older_versions_are_the_same() {
        let hash = Sha256::digest(
            [&4_u64.to_le_bytes()[..], b"main", &3_u64.to_le_bytes(), b"a@g", &1_u64.to_le_bytes(), b"1"].concat(),
        );
        let old = i64::from_le_bytes(*hash.first_chunk().unwrap());
        assert_eq!(migrated(old, 7), entry(Key::of(["main", "a@g", "1"]), 7));
    }

    #[test]
    fn what_is_put_together_has_each_once() {
        let of = |keys: &[u64]| keys.iter().map(|k| entry(Key::from_bits(*k), 1).unwrap()).collect::<Vec<_>>();
        assert_eq!(together(&of(&[1, 3, 5]), &of(&[2, 3, 9])), of(&[1, 2, 3, 5, 9]));
        assert_eq!((together(&of(&[]), &of(&[2])), together(&of(&[2]), &of(&[]))), (of(&[2]), of(&[2])));
    }
}
