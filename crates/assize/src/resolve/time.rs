//! Instants as condition keys show them.

use jiff::Timestamp;

/// `YYYY-MM-DDThh:mm:ssZ` (L-609). Instants beyond year 9999 or before −9999, which no clock
/// shows, are written as their number of seconds.
pub(super) fn iso8601(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_string(),
        Err(_) => seconds.to_string(),
    }
}
