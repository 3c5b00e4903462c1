//! Dates and times of day, UTC, without a clock: what a file or a header says, in milliseconds since 1970.

const DAY: u64 = 86_400_000;

/// `2027-01-31`, which is the begin of that day, or `2027-01-31T12:00:00Z`, of the years 1970 to 9999. None if it is
/// neither, or there is no such day or time. Two digits each, four for the year: a part of RFC 3339.
pub fn timestamp(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = parts(date, '-', [4, 2, 2])?;
    let [hours, minutes, seconds] = parts(time, ':', [2, 2, 2])?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let of_day = hours.saturating_mul(3_600).saturating_add(minutes.saturating_mul(60)).saturating_add(seconds);
    Some(midnight(year, month, day)?.saturating_add(of_day.saturating_mul(1_000)))
}

/// `2027-01-31T12:00:00Z`, whole seconds.
pub fn show(millis: u64) -> String {
    let (year, month, day) = date(millis.checked_div(DAY).unwrap_or(0));
    let seconds = millis.checked_rem(DAY).unwrap_or(0).checked_div(1_000).unwrap_or(0);
    let part = |unit: u64, most: u64| seconds.checked_div(unit).and_then(|count| count.checked_rem(most)).unwrap_or(0);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", part(3_600, 24), part(60, 60), part(1, 60))
}

/// The begin of the day after that of `millis`.
pub(crate) fn next_day(millis: u64) -> u64 {
    millis.checked_div(DAY).unwrap_or(0).saturating_add(1).saturating_mul(DAY)
}

/// The begin of the month after that of `millis`; the end of time after the year 9999.
pub(crate) fn next_month(millis: u64) -> u64 {
    let (year, month, _) = date(millis.checked_div(DAY).unwrap_or(0));
    let next = match month {
        12 => midnight(year.saturating_add(1), 1, 1),
        month => midnight(year, month.saturating_add(1), 1),
    };
    next.unwrap_or(u64::MAX)
}

/// The begin of a day of the years 1970 to 9999, in milliseconds since 1970; None if there is no such day.
/// `days_from_civil` of <https://howardhinnant.github.io/date_algorithms.html>: years begin in March, so that the leap
/// day is the last.
#[allow(clippy::arithmetic_side_effects, reason = "all operands have four digits at most, and the year is after 1969")]
pub(crate) fn midnight(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || day == 0 || day > days_of(year, month)? {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * DAY)
}

/// Year, month and day so many days after the first of 1970: `civil_from_days` of the same source.
#[allow(clippy::arithmetic_side_effects, reason = "the days of 64 bits of milliseconds have 38 bits at most")]
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month, day)
}

fn days_of(year: u64, month: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Three numbers of so many digits.
fn parts(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::{next_day, next_month, show, timestamp};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn known_dates_are_what_they_are_and_come_back_as_they_were() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1999-12-31T23:59:59Z", 946_684_799),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2027-01-31T00:00:00Z", 1_801_353_600),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(timestamp(text), Some(seconds * 1_000), "{text}");
            assert_eq!(show(seconds * 1_000), text);
        }
        assert_eq!(timestamp("2027-01-31"), timestamp("2027-01-31T00:00:00Z"));
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for days in 0..146_097_u64 {
            let millis = days * 86_400_000;
            assert_eq!(timestamp(&show(millis)), Some(millis));
        }
    }

    #[test]
    fn a_day_and_a_month_end_at_midnight() {
        let after = |next: fn(u64) -> u64, text: &str| show(next(timestamp(text).unwrap()));
        assert_eq!(after(next_day, "2027-02-28T23:59:59Z"), "2027-03-01T00:00:00Z");
        assert_eq!(after(next_day, "2027-03-01"), "2027-03-02T00:00:00Z");
        assert_eq!(after(next_month, "2027-01-31T08:00:00Z"), "2027-02-01T00:00:00Z");
        assert_eq!(after(next_month, "2027-12-01"), "2028-01-01T00:00:00Z");
        assert_eq!(next_month(u64::MAX), u64::MAX);
    }

    #[test]
    fn what_is_no_day_or_no_time_is_refused() {
        for text in [
            "",
            "2027",
            "2027-02-29",
            "2100-02-29",
            "2027-04-31",
            "2027-00-01",
            "2027-13-01",
            "2027-01-00",
            "1969-12-31",
            "27-01-31",
            "2027-1-31",
            "2027-01-31T12:00:00",
            "2027-01-31T24:00:00Z",
            "2027-01-31T12:60:00Z",
            "2027-01-31T12:00Z",
            "2027-01-31T12:00:00+01:00",
            "2027-01-31 12:00:00Z",
            "+027-01-31",
            "2027-01-31-",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
