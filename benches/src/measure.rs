//! Timing, and the forms in which figures are shown.

use std::time::{Duration, Instant};

/// How long something takes.
pub fn time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let value = run();
    (started.elapsed(), value)
}

/// How often the same rows are decided before the tables are warm: what the layers say of a frame
/// and an action is kept when it comes up the second time, and the conditions that are numbered
/// then are asked of principals in the run after.
pub const N_WARM_UPS: usize = 3;

/// Bytes of the process that are in memory now; 0 where the system does not tell.
pub fn resident_bytes() -> usize {
    status("VmRSS:")
}

/// The most bytes of the process that ever were in memory; 0 where the system does not tell.
pub fn peak_bytes() -> usize {
    status("VmHWM:")
}

fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let n_kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    n_kib.unwrap_or_default() << 10
}

/// The middle one of some durations; of an even number the shorter one.
pub fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// A quantile of sorted durations.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "positions are small and not negative"
)]
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Things a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn rate(n: usize, duration: Duration) -> f64 {
    n as f64 / duration.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// A rate in three digits with its unit: `12.3 M`, `456 k`.
pub fn shown_rate(rate: f64) -> String {
    let (value, unit) = match rate {
        rate if rate >= 1e9 => (rate / 1e9, " G"),
        rate if rate >= 1e6 => (rate / 1e6, " M"),
        rate if rate >= 1e3 => (rate / 1e3, " k"),
        rate => (rate, ""),
    };
    match value {
        value if value >= 100.0 => format!("{value:.0}{unit}"),
        value if value >= 10.0 => format!("{value:.1}{unit}"),
        value => format!("{value:.2}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shown_in_three_digits() {
        assert_eq!(shown_rate(12_345_678.0), "12.3 M");
        assert_eq!(shown_rate(456_000.0), "456 k");
        assert_eq!(shown_rate(7.0), "7.00");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let mut durations = [3, 1, 2].map(Duration::from_secs);
        assert_eq!(median(&mut durations), Duration::from_secs(2));
        assert_eq!(quantile(&durations, 0.99), Duration::from_secs(3));
    }
}
