//! How long a failing lane waits.

/// The longest wait after each failure in a row; the last one repeats until the SET or the lane is given up.
const STEPS_SECS: [u64; 9] = [1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];

/// The wait in milliseconds after `failures` in a row (at least 1), with full jitter: anything between 0 and the
/// step, as `jitter` falls in its range (PUSH-040).
// spec: PUSH-040, PUSH-044
pub fn backoff(failures: u32, jitter: u32) -> u64 {
    let step = STEPS_SECS[(failures.max(1) as usize - 1).min(STEPS_SECS.len() - 1)] * 1000;
    u64::try_from(u128::from(step) * u128::from(jitter) / u128::from(u32::MAX)).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: PUSH-040
    #[test]
    fn waits_grow_to_four_hours_and_jitter_is_full() {
        assert_eq!((backoff(1, 0), backoff(1, u32::MAX)), (0, 1_000));
        assert_eq!(backoff(4, u32::MAX), 120_000);
        assert_eq!(backoff(1_000_000, u32::MAX), 14_400_000);
        assert_eq!(backoff(2, u32::MAX / 2), 2_499);
    }
}
