//! What says of most keys that they are in no bucket, without reading one: a blocked Bloom filter (Putze, Sanders and
//! Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007) in a file. All bits of a key are in one block, so a look-up
//! is one read of 64 bytes, where a bucket is a page of SQLite's and what leads to it.
//!
//! * Nothing of it outlives the process. It is made from the buckets, some at a time, and the file has no name, so the
//!   operating system takes it away in any case. It can take the memory for something else at any time, as with all files.
//! * It never says of a key that it is not there while it is. A key's bits are set before the transaction that brings it to
//!   a bucket is committed; what is not read from the buckets yet is not [covered](FileFilter::cover); and one that is given up
//!   covers nothing any more, before others go on without it.
//! * Bits stay when a key is taken out. With too many of them, or too many keys, it is made anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use super::entries::{LAST, Prefix};

/// Bytes of a block. As wide as what a processor fetches.
const BLOCK: usize = 64;

/// How many bits each key sets.
const PLACES: u32 = 6;

/// For how many keys a new one has a block: half of what it can take, or less.
const KEYS_A_BLOCK: usize = 22;

/// How many blocks there are at least, so that one is not made anew all the time in the beginning: 256 KiB, which are not
/// on disk before something is written.
const FEWEST: usize = 4_096;

/// So much is read and written at a time.
const PAGE: usize = 4_096;

/// With so many bits set in a page it is too full. It says then of one key in 200 that it may be there which is not.
const FULL: u32 = PAGE as u32 * 8 / 5 * 2;

/// Which prefixes may be in buckets.
#[derive(Debug)]
pub(super) struct FileFilter {
    file: File,
    /// A power of two.
    blocks: usize,
    /// All that is in buckets below this prefix is in here.
    covered: AtomicI64,
}

impl FileFilter {
    /// An empty one that covers nothing, for about so many keys, in a file beside this database.
    ///
    /// # Errors
    /// There can't be such a file.
    pub(super) fn beside(database: &Path, keys: usize) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-filter");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        let blocks = (keys / KEYS_A_BLOCK).max(FEWEST).next_power_of_two();
        file.set_len((blocks * BLOCK) as u64)?;
        Ok(Self { file, blocks, covered: AtomicI64::new(0) })
    }

    /// For how many keys it was made.
    pub(super) const fn keys(&self) -> usize {
        self.blocks * KEYS_A_BLOCK
    }

    /// Up to which prefix all that is in buckets is in here; it is not among them.
    pub(super) fn covered(&self) -> Prefix {
        self.covered.load(Ordering::SeqCst)
    }

    /// Whether it covers all.
    pub(super) fn is_whole(&self) -> bool {
        self.covered() > LAST
    }

    /// All below this prefix is in here now. With 0 it says nothing any more.
    pub(super) fn cover(&self, below: Prefix) {
        self.covered.store(below, Ordering::SeqCst);
    }

    /// Whether this prefix is surely in no bucket. What is between places must have been looked at before.
    pub(super) fn lacks(&self, prefix: Prefix) -> bool {
        if prefix >= self.covered() {
            return false;
        }
        let mut block = [0; BLOCK];
        let read = self.file.read_exact_at(&mut block, (self.block(prefix) * BLOCK) as u64);
        read.is_ok() && !places(prefix).all(|(byte, bit)| block.get(byte).is_none_or(|there| there & bit != 0))
    }

    /// Adds these prefixes, which are in order. Returns whether it is too full now.
    ///
    /// # Errors
    /// The file can't be read or written. Some may not be in it then.
    pub(super) fn add(&self, prefixes: impl Iterator<Item = Prefix>) -> io::Result<bool> {
        let mut page = [0; PAGE];
        let (mut there, mut full) = (None, false);
        for prefix in prefixes {
            let (at, within) = (self.block(prefix) * BLOCK / PAGE, self.block(prefix) * BLOCK % PAGE);
            if there != Some(at) {
                full |= self.put(there, &page)?;
                self.file.read_exact_at(&mut page, (at * PAGE) as u64)?;
                there = Some(at);
            }
            for (byte, bit) in places(prefix) {
                if let Some(byte) = page.get_mut(within + byte) {
                    *byte |= bit;
                }
            }
        }
        Ok(self.put(there, &page)? || full)
    }

    /// Writes a page, if there is one, and returns whether it is too full.
    fn put(&self, at: Option<usize>, page: &[u8; PAGE]) -> io::Result<bool> {
        let Some(at) = at else { return Ok(false) };
        self.file.write_all_at(page, (at * PAGE) as u64)?;
        let set: u32 = page.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word).count_ones()).sum();
        Ok(set > FULL)
    }

    /// The block of a prefix: they are in the same order, so neighbours share pages.
    fn block(&self, prefix: Prefix) -> usize {
        ((prefix.unsigned_abs() * self.blocks as u64) >> PREFIX_BITS) as usize
    }
}

const PREFIX_BITS: u32 = LAST.count_ones();

/// The byte and the bit of each place of a prefix in its block.
fn places(prefix: Prefix) -> impl Iterator<Item = (usize, u8)> {
    // Its high bits, nine for each place, depend on all of the prefix.
    let mixed = prefix.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (1..=PLACES).map(move |place| {
        let bit = mixed >> (u64::BITS - place * 9);
        ((bit >> 3) as usize % BLOCK, 1 << (bit & 7))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(keys: usize) -> (tempfile::TempDir, FileFilter) {
        let folder = tempfile::tempdir().unwrap();
        let filter = FileFilter::beside(&folder.path().join("x.db"), keys).unwrap();
        (folder, filter)
    }

    fn prefixes(count: usize) -> Vec<Prefix> {
        let mut random = fastrand::Rng::with_seed(7);
        let mut prefixes: Vec<_> = (0..count).map(|_| random.i64(0..=LAST)).collect();
        prefixes.extend([0, LAST]);
        prefixes.sort_unstable();
        prefixes
    }

    #[test]
    fn it_has_all_that_are_there_and_hardly_any_other_until_it_is_too_full() {
        let (folder, filter) = filter(100_000);
        filter.cover(LAST + 1);
        let all = prefixes(filter.keys() * 3);
        let (mut added, mut full) = (Vec::new(), false);
        for step in 0..20 {
            let some: Vec<_> = all.iter().copied().skip(step).step_by(20).collect();
            full = filter.add(some.iter().copied()).unwrap();
            added.extend(some);
            if full {
                break;
            }
        }
        assert!(full && added.len() > filter.keys() * 3 / 2, "{} {}", added.len(), filter.keys());
        assert!(added.iter().all(|prefix| !filter.lacks(*prefix)));
        let mut random = fastrand::Rng::with_seed(8);
        let others = (0..100_000).filter(|_| !filter.lacks(random.i64(0..=LAST))).count();
        assert!(others < 1_000, "{others}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn it_says_nothing_of_what_it_does_not_cover() {
        let (_folder, filter) = filter(0);
        assert!(!filter.lacks(0) && !filter.lacks(LAST));
        filter.cover(1_000);
        assert!(filter.lacks(999) && !filter.lacks(1_000) && !filter.is_whole());
        filter.cover(LAST + 1);
        assert!(filter.lacks(LAST) && filter.is_whole());
        filter.cover(0);
        assert!(!filter.lacks(0));
    }

    #[test]
    fn what_can_not_be_read_may_be_there_and_what_a_killed_process_left_is_in_nobodys_way() {
        let (folder, filter) = filter(0);
        filter.cover(LAST + 1);
        filter.file.set_len(0).unwrap();
        assert!(!filter.lacks(7) && filter.add([7].into_iter()).is_err());
        std::fs::write(folder.path().join("x.db-filter"), "left").unwrap();
        FileFilter::beside(&folder.path().join("x.db"), 0).unwrap();
        std::fs::create_dir(folder.path().join("x.db-filter")).unwrap();
        assert!(FileFilter::beside(&folder.path().join("x.db"), 0).is_err());
    }
}
