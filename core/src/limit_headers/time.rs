//! The ways in which providers write how long, or until when.

use crate::civil::midnight;
use crate::config::Millis;

/// Longest wait that is believed, in milliseconds: a day.
const LONGEST: u64 = 86_400_000;
/// A number of seconds above this is a point in time; as a duration it would be 31 years.
const EPOCH: u64 = 1_000_000_000;

/// A wait from `now` (milliseconds since 1970): a duration, seconds, or a point in time (seconds since 1970, RFC 3339,
/// or HTTP's date), which may have passed. Rounded up to a millisecond, at most a day.
pub(super) fn wait(text: &str, now: u64) -> Option<Millis> {
    let until = |at: u64| Millis(at.saturating_sub(now).min(LONGEST));
    match scaled(text, 1_000) {
        Some(millis) if millis > EPOCH.saturating_mul(1_000) => Some(until(millis)),
        Some(millis) => Some(Millis(millis.min(LONGEST))),
        None => duration(text).or_else(|| rfc3339(text).or_else(|| http_date(text)).map(until)),
    }
}

/// A number of milliseconds, rounded up, at most a day.
pub(super) fn millis(text: &str) -> Option<Millis> {
    scaled(text, 1).map(|millis| Millis(millis.min(LONGEST)))
}

/// Go's notation, and protobuf's: `6m0s`, `1h2m3s`, `1.5s`, `120ms`, `34.4s`. Each unit at most once, the larger first;
/// fractions of seconds and milliseconds only. Rounded up to a millisecond, at most a day.
pub fn duration(text: &str) -> Option<Millis> {
    let mut units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)].into_iter();
    let mut rest = text;
    let mut total = 0_u64;
    loop {
        let (number, after) = rest.split_at_checked(rest.find(|c: char| c.is_ascii_alphabetic())?)?;
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        let part = if factor > 1_000 { digits(number)?.saturating_mul(factor) } else { scaled(number, factor)? };
        total = total.saturating_add(part);
        rest = after;
        if rest.is_empty() {
            return Some(Millis(total.min(LONGEST)));
        }
    }
}

/// A decimal number, times `factor`, rounded up; None for signs, exponents and whatever else is none.
fn scaled(text: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = digits(whole)?.saturating_mul(factor);
    digits(fraction)?;
    // Finer than a billionth is nothing.
    let (mut part, mut weight) = (0_u64, 1_000_000_000_u64);
    for digit in fraction.bytes().take(9) {
        weight /= 10;
        part = part.saturating_add(u64::from(digit.saturating_sub(b'0')).saturating_mul(weight));
    }
    Some(whole.saturating_add(part.saturating_mul(factor).div_ceil(1_000_000_000)))
}

/// A whole number; None for a sign.
pub(super) fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `2025-08-21T12:40:59Z`, with a fraction of a second or an offset too, in milliseconds since 1970 (RFC 3339, 5.6).
fn rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (year, date) = date.split_once('-')?;
    let (month, day) = date.split_once('-')?;
    let (clock, zone) = time.split_at_checked(time.find(['Z', 'z', '+', '-'])?)?;
    let local = midnight(digits(year)?, digits(month)?, digits(day)?)?.saturating_add(of_day(clock)?);
    if let Some(ahead) = zone.strip_prefix('+') {
        Some(local.saturating_sub(of_day(ahead)?))
    } else if let Some(behind) = zone.strip_prefix('-') {
        Some(local.saturating_add(of_day(behind)?))
    } else {
        zone.eq_ignore_ascii_case("z").then_some(local)
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sun, 06 Nov 1994 08:49:37 GMT`, in milliseconds since 1970 (RFC 9110, 5.6.7: the form that senders must use).
fn http_date(text: &str) -> Option<u64> {
    let (_weekday, date) = text.split_once(", ")?;
    let mut parts = date.strip_suffix(" GMT")?.splitn(4, ' ');
    let (day, name, year, clock) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (_, month) = MONTHS.iter().zip(1..).find(|(have, _)| **have == name)?;
    Some(midnight(digits(year)?, month, digits(day)?)?.saturating_add(of_day(clock)?))
}

/// `12:40:59.5`, or an offset's `01:30`, in milliseconds.
fn of_day(text: &str) -> Option<u64> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes) = (digits(hours)?.saturating_mul(3_600_000), digits(minutes)?.saturating_mul(60_000));
    Some(hours.saturating_add(minutes).saturating_add(scaled(seconds, 1_000)?))
}
