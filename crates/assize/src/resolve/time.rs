//! Instants as condition keys show them.

use jiff::Timestamp;

/// `YYYY-MM-DDThh:mm:ssZ` (L-609). Instants beyond year 9999 or before −9999, which no clock
/// shows, are written as their number of seconds.
pub(crate) fn iso8601(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(instant) => instant.to_string(),
        Err(_) => seconds.to_string(),
    }
}

/// Whether a text that is read as a time is what [`iso8601`] writes for it.
pub(super) fn is_iso8601(text: &str) -> bool {
    // No other form of a time has these bytes. The last year has instants that no clock shows.
    text.len() == "YYYY-MM-DDThh:mm:ssZ".len() && text.ends_with('Z') && !text.starts_with("9999")
}

#[cfg(test)]
mod tests {
    use assize_policy::value::parse_date;

    use super::*;

    #[test]
    fn a_time_is_in_its_form_if_it_is_written_so() {
        let texts = [
            "2026-11-22T09:30:00Z",
            "0001-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "2024-02-29T23:59:59Z",
            "2024-02-30T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T24:00:00Z",
            "2026-11-22T09:30:00.5Z",
            "2026-11-22T09:30:00.0Z",
            "2026-11-22T09:30:00.000Z",
            "2026-11-22T09:30+00:00",
            "-1763800000000000000",
            "2026-11-22T09:30:00z",
            "2026-11-22 09:30:00Z",
            "2026-11-22T09:30:00+00:00",
            "2026-11-22T09:30Z",
            "2026-11-22",
            "1763800000",
        ];
        for text in texts {
            let Some(time) = parse_date(text) else { continue };
            let is_form = iso8601(time) == text && !text.starts_with("9999");
            assert_eq!(is_iso8601(text), is_form, "{text}");
        }
    }
}
