//! Times of the formats (F-3): RFC 3339 with an offset, or seconds since the epoch.

use std::fmt::Write;

const SECONDS_PER_DAY: i64 = 86_400;

/// Reads an RFC 3339 time to seconds since the epoch, or `None` when it is none. Fractions of a
/// second are dropped; a leap second is the first second of the next minute.
///
/// # Examples
/// ```
/// use assize_formats::parse_time;
/// assert_eq!(parse_time("2024-05-01T12:00:00Z"), Some(1_714_564_800));
/// assert_eq!(parse_time("2024-05-01T14:00:00.5+02:00"), Some(1_714_564_800));
/// assert_eq!(parse_time("2024-05-01T12:00:00"), None);
/// ```
pub fn parse_time(text: &str) -> Option<i64> {
    let mut digits = Digits { rest: text.as_bytes() };
    let year = digits.number(4)?;
    let month = digits.after(b"-")?.number(2)?;
    let day = digits.after(b"-")?.number(2)?;
    let hour = digits.after(b"Tt")?.number(2)?;
    let minute = digits.after(b":")?.number(2)?;
    let second = digits.after(b":")?.number(2)?;
    digits.skip_fraction()?;
    let offset = digits.offset()?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = days_from_civil(year, month, day);
    in_range.then(|| days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset)
}

/// Writes seconds since the epoch as RFC 3339 in UTC, in whole seconds (F-3). Years before 0 and
/// after 9999, which RFC 3339 cannot say, are written with a sign.
///
/// # Examples
/// ```
/// assert_eq!(assize_formats::format_time(1_714_564_800), "2024-05-01T12:00:00Z");
/// ```
pub fn format_time(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
    let (year, month, day) = civil_from_days(days);
    let mut text = String::with_capacity(20);
    let sign = if (0..10_000).contains(&year) {
        ""
    } else if year < 0 {
        "-"
    } else {
        "+"
    };
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let year = year.unsigned_abs();
    let _ = write!(text, "{sign}{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    text
}

struct Digits<'t> {
    rest: &'t [u8],
}

impl Digits<'_> {
    /// Exactly `count` digits.
    fn number(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        digits.iter().try_fold(0, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
        })
    }

    /// One of the given characters.
    fn after(&mut self, one_of: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        one_of.contains(first).then_some(self)
    }

    fn skip_fraction(&mut self) -> Option<()> {
        if let Some(fraction) = self.rest.strip_prefix(b".") {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            self.rest = fraction.get(length..)?;
            return (length > 0).then_some(());
        }
        Some(())
    }

    /// `Z` or `+hh:mm`, in seconds, and then the end.
    fn offset(&mut self) -> Option<i64> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let sign = match first {
            b'Z' | b'z' => return self.rest.is_empty().then_some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.number(2)?;
        let minutes = self.after(b":")?.number(2)?;
        let in_range = hours < 24 && minutes < 60 && self.rest.is_empty();
        in_range.then_some(sign * (hours * 3_600 + minutes * 60))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the epoch of a date of the proleptic Gregorian calendar. Years begin in March here,
/// so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse_time(text), expected, "{text}");
    }

    #[test]
    fn times_are_rfc_3339() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.999z", Some(-1));
        check("2000-02-29t00:00:00+00:00", Some(951_782_400));
        check("2016-12-31T23:59:60Z", Some(1_483_228_800));
        check("0000-01-01T00:00:00Z", Some(-62_167_219_200));
        check("2024-01-01T00:30:00-01:30", Some(1_704_074_400));
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2024-05-01",
            "2024-05-01T12:00Z",
            "2024-05-01 12:00:00Z",
            "2024-13-01T12:00:00Z",
            "2023-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2024-05-01T24:00:00Z",
            "2024-05-01T12:60:00Z",
            "2024-05-01T12:00:61Z",
            "2024-05-01T12:00:00.Z",
            "2024-05-01T12:00:00+2:00",
            "2024-05-01T12:00:00Zx",
            "+024-05-01T12:00:00Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for day in (-719_528..2_932_897).step_by(97) {
            let seconds = day * SECONDS_PER_DAY + 3_661;
            check(&format_time(seconds), Some(seconds));
        }
        assert!(format_time(i64::MAX).starts_with('+'));
        assert!(format_time(i64::MIN).starts_with('-'));
    }
}
