//! What says of most keys that they are not among many, in little memory: a Bloom filter.

use super::entries::Key;

/// How many bits there are for each key. With these and [`PLACES`] it says of one key in 250 that it may be there which is
/// not.
const BITS_A_KEY: usize = 12;

/// How many bits each key sets.
const PLACES: u32 = 6;

/// Which keys may be there.
#[derive(Debug)]
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    pub(super) fn of(keys: impl ExactSizeIterator<Item = Key>) -> Self {
        let mut words = vec![0; keys.len().saturating_mul(BITS_A_KEY).div_ceil(64).max(1)].into_boxed_slice();
        let count = words.len();
        for (word, bit) in keys.flat_map(|key| places(key, count)) {
            if let Some(word) = words.get_mut(word) {
                *word |= bit;
            }
        }
        Self(words)
    }

    /// Whether this key may be there. It is not if this says so.
    pub(super) fn may_have(&self, key: Key) -> bool {
        places(key, self.0.len()).all(|(word, bit)| self.0.get(word).is_some_and(|word| word & bit != 0))
    }
}

/// The word and the bit of each place of a key. Two hashes give as many as are wanted: Kirsch and Mitzenmacher, "Less
/// Hashing, Same Performance", 2006.
fn places(key: Key, words: usize) -> impl Iterator<Item = (usize, u64)> {
    let mixed = key.mixed();
    let (first, step) = ((mixed >> 32) as u32, mixed as u32 | 1);
    let bits = (words as u64).saturating_mul(64);
    (0..PLACES).map(move |i| {
        let hash = first.wrapping_add(i.wrapping_mul(step));
        let place = (u64::from(hash).wrapping_mul(bits)) >> 32;
        ((place / 64) as usize, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_all_that_are_there_and_hardly_any_other() {
        for count in [0, 1, 300, 2_048] {
            let mut random = fastrand::Rng::with_seed(7);
            let keys: Vec<_> = (0..count).map(|_| Key::from_bits(random.u64(..))).collect();
            let filter = Filter::of(keys.iter().copied());
            assert!(keys.iter().all(|key| filter.may_have(*key)));
            let others = (0..100_000).filter(|_| filter.may_have(Key::from_bits(random.u64(..)))).count();
            assert!(others < 600, "{count}: {others}");
        }
    }
}
