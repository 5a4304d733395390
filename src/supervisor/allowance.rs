//! How much of what a bridge gives rise to is logged: it must not fill the disk.

use crate::clock::Mono;

/// So many bytes may be logged at once…
const BURST_BYTES: u64 = 64 << 10;

/// …and so many a second in the long run: 86 MB a day.
const BYTES_PER_SECOND: u64 = 1 << 10;

/// What a line costs besides its own bytes: the time, the level, the target.
const LINE_BYTES: u64 = 128;

/// What may still be logged, and what was left out.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    spent: u64,
    at: Mono,
    left_out: u64,
}

impl Allowance {
    /// Whether a line of so many bytes may be logged. If so: how many were left out before it.
    pub(super) fn take(&mut self, now: Mono, bytes: usize) -> Option<u64> {
        let earned = now.since(self.at).as_millis().saturating_mul(u128::from(BYTES_PER_SECOND)) / 1_000;
        if earned > 0 {
            self.spent = self.spent.saturating_sub(u64::try_from(earned).unwrap_or(u64::MAX));
            self.at = now;
        }
        let cost = LINE_BYTES.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.spent.saturating_add(cost) > BURST_BYTES {
            self.left_out += 1;
            return None;
        }
        // The line that says how many were left out costs as well.
        self.spent += if self.left_out > 0 { cost + LINE_BYTES } else { cost };
        Some(std::mem::take(&mut self.left_out))
    }

    /// What was left out and not yet told.
    pub(super) fn left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_cut_and_what_was_left_out_is_counted() {
        let mut allowance = Allowance::default();
        let at = |seconds| Mono::new(Duration::from_secs(seconds));
        let flood = |allowance: &mut Allowance, second| {
            (0..10_000).filter(|_| allowance.take(at(second), 128).is_some()).count()
        };
        assert_eq!(flood(&mut allowance, 1), 256);
        assert_eq!(flood(&mut allowance, 1), 0);
        assert_eq!(allowance.take(at(2), 128), Some(19_744));
        assert_eq!(flood(&mut allowance, 1_000_000), 256, "a long rest does not add up to more than one burst");
        assert_eq!(allowance.left_out(), 9_744);
        assert_eq!(allowance.take(at(2_000_000), usize::MAX), None, "longer than what may be logged at once");
    }
}
