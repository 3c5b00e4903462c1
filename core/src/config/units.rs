//! Durations (`1m30s`), ranges of them (`50ms..2s`), sizes (`8MiB`) and shares (`50%`), as they are written in a file.

use super::Millis;

const DURATION_UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// `10s`, `50ms`, `1m30s`; None if it is no such thing or over 1000 days.
pub fn duration(text: &str) -> Option<Millis> {
    const LONGEST: u64 = 1_000 * 86_400_000;
    let mut rest = text;
    let mut total = 0u64;
    loop {
        let (number, after) = digits(rest)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        total = total.checked_add(number.checked_mul(factor(DURATION_UNITS, unit)?)?)?;
        rest = after;
        if rest.is_empty() {
            return Some(Millis(total)).filter(|total| total.0 <= LONGEST);
        }
    }
}

/// `50ms..2s`, both ends included.
pub(super) fn range(text: &str) -> Option<(Millis, Millis)> {
    let (low, high) = text.split_once("..")?;
    Some((duration(low.trim())?, duration(high.trim())?))
}

/// `8MiB`, `500kB`, `1048576`: bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = digits(text)?;
    number.checked_mul(factor(SIZE_UNITS, unit.trim())?)
}

/// `50%` or `50`; whether it is too much is for others to say.
pub(super) fn percent(text: &str) -> Option<u64> {
    let (number, sign) = digits(text)?;
    matches!(sign, "" | "%").then_some(number)
}

/// `millis` the way it is written in a file: `1m30s`.
pub fn show(millis: Millis) -> String {
    let mut rest = millis.0;
    let mut text = String::new();
    for (unit, factor) in DURATION_UNITS.iter().rev() {
        let count = rest.checked_div(*factor).unwrap_or(0);
        rest = rest.checked_rem(*factor).unwrap_or(0);
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// `bytes` the way it is written in a file, in the largest unit that divides it: `64MiB`.
pub fn show_size(bytes: u64) -> String {
    let binary = SIZE_UNITS.iter().filter(|(unit, _)| unit.ends_with("iB")).rev();
    let fits = |(_, factor): &&(&str, u64)| bytes >= *factor && bytes.is_multiple_of(*factor);
    match binary.into_iter().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", bytes.checked_div(*factor).unwrap_or(0)),
        None => format!("{bytes}B"),
    }
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

fn factor(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}
