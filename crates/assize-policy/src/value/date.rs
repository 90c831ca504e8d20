//! Dates (L-616): epoch seconds, and the calendar forms of the W3C note on dates and times.

/// The largest number of seconds, before or after the epoch, that is a date (L-616):
/// the last second of the year 9999.
pub const MAX_EPOCH_SECONDS: i64 = 253_402_300_799;

/// The most digits a fraction of a second may have (L-616).
const MAX_FRACTION_DIGITS: usize = 9;

const SECONDS_PER_DAY: i64 = 86_400;

/// A date and the form in which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateReading {
    /// Whole seconds since the epoch; a fraction is cut off.
    pub seconds: i64,
    /// How it was written.
    pub form: DateForm,
}

/// The forms of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateForm {
    /// A number of seconds. Four digits look like a year and are not one.
    Epoch {
        /// The text is four digits.
        is_year_like: bool,
    },
    /// `YYYY-MM` or `YYYY-MM-DD`: its first second in UTC.
    Day,
    /// A date and a time.
    Time {
        /// A zone follows; without one the time is UTC.
        has_zone: bool,
    },
}

/// Reads a date (L-616): seconds since the epoch.
///
/// ```
/// use assize_policy::value::parse_date;
///
/// assert_eq!(parse_date("2024-07-01T02:00:00+02:00"), Some(1_719_792_000));
/// assert_eq!(parse_date("2024"), Some(2024));
/// assert_eq!(parse_date("2024-02-30"), None);
/// ```
pub fn parse_date(text: &str) -> Option<i64> {
    read_usual(text).or_else(|| read_date(text).map(|reading| reading.seconds))
}

/// `YYYY-MM-DDThh:mm:ssZ`, which nearly every date of a request is, at a glance: eight bytes at a
/// time.
fn read_usual(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let [front, middle, back] = [
        Digits::read(*bytes.first_chunk()?, *b"0000-00-")?,
        Digits::read(*bytes[8..].first_chunk()?, *b"00T00:00")?,
        Digits::read(*bytes.last_chunk()?, *b"0:00:00Z")?,
    ];
    let (year, month, day) = (front.pair(0) * 100 + front.pair(2), front.pair(5), middle.pair(0));
    let (hour, minute, second) = (middle.pair(3), middle.pair(6), back.pair(5));
    let is_day = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (is_day && hour <= 23 && minute <= 59 && second <= 59).then(|| {
        days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second
    })
}

/// Eight bytes of which some are digits.
#[derive(Clone, Copy)]
struct Digits(u64);

impl Digits {
    /// Reads bytes of a form: digits where it has zeros, and the same bytes elsewhere.
    #[inline]
    fn read(bytes: [u8; 8], form: [u8; 8]) -> Option<Self> {
        // What must be added to the largest byte that is allowed, for its highest bit.
        let room = form.map(|byte| if byte == b'0' { 0x7f - 9 } else { 0x7f });
        let values = u64::from_le_bytes(bytes) ^ u64::from_le_bytes(form);
        let high_bits = u64::from_le_bytes([0x80; 8]);
        // No byte carries into the next: one that could has its highest bit set and is refused.
        let over = (values & !high_bits).wrapping_add(u64::from_le_bytes(room)) | values;
        (over & high_bits == 0).then_some(Self(values))
    }

    /// The number of two digits from a position on.
    #[inline]
    fn pair(self, at: u32) -> i64 {
        let [tens, ones, ..] = (self.0 >> (8 * at)).to_le_bytes();
        i64::from(tens * 10 + ones)
    }
}

/// Reads a date and tells in which form it was written (L-616).
pub fn read_date(text: &str) -> Option<DateReading> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return read_epoch(text);
    }
    let mut cursor = Cursor { rest: text.as_bytes() };
    let reading = read_calendar(&mut cursor)?;
    cursor.rest.is_empty().then_some(reading)
}

fn read_epoch(text: &str) -> Option<DateReading> {
    let seconds: i64 = text.parse().ok()?;
    let in_range = (-MAX_EPOCH_SECONDS..=MAX_EPOCH_SECONDS).contains(&seconds);
    let is_year_like = text.len() == 4 && !text.starts_with('-');
    in_range.then_some(DateReading { seconds, form: DateForm::Epoch { is_year_like } })
}

/// `YYYY-MM`, `YYYY-MM-DD`, or the latter with a time.
fn read_calendar(cursor: &mut Cursor<'_>) -> Option<DateReading> {
    let year = cursor.number(4)?;
    cursor.expect(b'-')?;
    let month = cursor.number(2).filter(|m| (1..=12).contains(m))?;
    let day = if cursor.take(b'-') {
        cursor.number(2).filter(|d| (1..=days_in_month(year, month)).contains(d))?
    } else {
        let first = days_from_civil(year, month, 1) * SECONDS_PER_DAY;
        return Some(DateReading { seconds: first, form: DateForm::Day });
    };
    let midnight = days_from_civil(year, month, day) * SECONDS_PER_DAY;
    if !cursor.take(b'T') {
        return Some(DateReading { seconds: midnight, form: DateForm::Day });
    }
    let time = read_time(cursor)?;
    let offset = read_zone(cursor)?;
    Some(DateReading {
        seconds: midnight + time - offset.unwrap_or(0),
        form: DateForm::Time { has_zone: offset.is_some() },
    })
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f`, as seconds of the day.
fn read_time(cursor: &mut Cursor<'_>) -> Option<i64> {
    let minutes = read_hour_and_minute(cursor)?;
    if !cursor.take(b':') {
        return Some(minutes * 60);
    }
    let second = cursor.number(2).filter(|s| *s <= 59)?;
    if cursor.take(b'.') {
        let n_digits = cursor.skip_digits();
        if n_digits == 0 || n_digits > MAX_FRACTION_DIGITS {
            return None;
        }
    }
    Some(minutes * 60 + second)
}

/// `Z`, `+hh:mm` or `-hh:mm` as seconds east of UTC; inner `None` when the text ends here.
#[expect(clippy::option_option, reason = "unreadable and absent are different answers")]
fn read_zone(cursor: &mut Cursor<'_>) -> Option<Option<i64>> {
    if cursor.rest.is_empty() {
        return Some(None);
    }
    if cursor.take(b'Z') {
        return Some(Some(0));
    }
    let sign = if cursor.take(b'-') {
        -1
    } else {
        cursor.expect(b'+')?;
        1
    };
    Some(Some(sign * read_hour_and_minute(cursor)? * 60))
}

/// `hh:mm` in minutes, the hour at most 23.
fn read_hour_and_minute(cursor: &mut Cursor<'_>) -> Option<i64> {
    let hour = cursor.number(2).filter(|h| *h <= 23)?;
    cursor.expect(b':')?;
    let minute = cursor.number(2).filter(|m| *m <= 59)?;
    Some(hour * 60 + minute)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar, the year from 0 to 9999.
///
/// Years are counted from March, so that the leap day is the last of its year and the days
/// before a month are a linear formula: 153 days in each five months from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Days from 0000-03-01 to 1970-01-01.
    const EPOCH: i64 = 719_468;
    /// After so many years, and days, the calendar repeats.
    const CYCLE: (u32, i64) = (400, 146_097);
    let [year, month] = [year, month].map(|n| u32::try_from(n).unwrap_or_default());
    // January and February of the year 0 belong to the March year -1: a cycle later there is no
    // negative year, and small numbers without a sign are divided fastest.
    let year = year + CYCLE.0;
    let (year, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (153 * months + 2) / 5;
    i64::from(days) + day - 1 - EPOCH - CYCLE.1
}

/// What is left of the text.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// Takes a byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.strip_prefix(&[byte]) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a byte that must come next.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Takes a number of exactly so many digits.
    fn number(&mut self, n_digits: usize) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(n_digits)?;
        self.rest = rest;
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    /// Takes all digits that come next and counts them.
    fn skip_digits(&mut self) -> usize {
        let n = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.rest = &self.rest[n..];
        n
    }
}
