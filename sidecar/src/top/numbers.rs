//! How numbers are written: as the page writes them.

/// What has no value.
pub(super) const NONE: &str = "–";

/// `12,345`.
pub(super) fn whole(value: f64) -> String {
    fixed(value, 0)
}

/// Of something per second: one digit more where it is small.
pub(super) fn rate(value: f64) -> String {
    fixed(value, usize::from(value > 0.0 && value < 9.95))
}

/// Never 100 if anything is missing.
pub(super) fn percent(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(100.0) => "100 %".to_owned(),
        Some(value) => format!("{} %", fixed((value * 100.0).floor() / 100.0, 2)),
    }
}

/// Milliseconds, as seconds where they are many.
pub(super) fn millis(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(value) if value >= 999.5 => format!("{} s", fixed(value / 1e3, if value < 9_995.0 { 2 } else { 1 })),
        Some(value) => format!("{} ms", fixed(value, usize::from(value < 9.95))),
    }
}

/// Microseconds, as milliseconds where they are many.
pub(super) fn micros(value: Option<f64>) -> String {
    match value {
        Some(value) if value < 999.5 => format!("{} µs", whole(value)),
        value => millis(value.map(|value| value / 1e3)),
    }
}

/// Millionths of a dollar, in dollars.
pub(super) fn dollars(micro: f64) -> String {
    format!("${}", fixed(micro / 1e6, if micro == 0.0 || micro >= 1e6 { 2 } else { 4 }))
}

/// In the unit that fits.
pub(super) fn bytes(value: Option<f64>) -> String {
    let Some(value) = value else { return NONE.to_owned() };
    const UNITS: [(f64, &str); 3] = [(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| value >= *unit).unwrap_or(UNITS[2]);
    let shown = value / unit;
    format!("{} {name}", fixed(shown, usize::from(shown > 0.0 && shown < 99.5)))
}

/// A time that has gone by, in seconds.
pub(super) fn span(seconds: f64) -> String {
    let (unit, name) = match seconds {
        ..60.0 => (1.0, "s"),
        ..3_600.0 => (60.0, "min"),
        ..172_800.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    format!("{:.0} {name}", (seconds / unit).floor())
}

/// A time that is still to go by, in seconds: `0:12`, `1:00:00`.
pub(super) fn clock(seconds: f64) -> String {
    // `as` saturates.
    let all = seconds.max(0.0).ceil() as u64;
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `server_error` as `server error`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// With so many digits, and a comma between thousands.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    let mut shown = String::from(sign);
    for (place, digit) in before.chars().enumerate() {
        if place > 0 && (before.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if !after.is_empty() {
        shown.push('.');
        shown.push_str(after);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_better_than_they_are() {
        let shown = [0.0, 0.04, 9.94, 9.95, 1_234.5, 1_000_000.0].map(rate);
        assert_eq!(shown, ["0", "0.0", "9.9", "10", "1,234", "1,000,000"]);
        let shown = [None, Some(100.0), Some(99.999), Some(0.0)].map(percent);
        assert_eq!(shown, ["–", "100 %", "99.99 %", "0.00 %"]);
    }

    #[test]
    fn each_has_the_unit_that_fits() {
        let shown = [None, Some(0.7), Some(350.0), Some(1_500.0), Some(60_000.0)].map(millis);
        assert_eq!(shown, ["–", "0.7 ms", "350 ms", "1.50 s", "60.0 s"]);
        assert_eq!([None, Some(12.0), Some(1_500.0)].map(micros), ["–", "12 µs", "1.5 ms"]);
        assert_eq!([0.0, 1_234.0, 12_345_678.0].map(dollars), ["$0.00", "$0.0012", "$12.35"]);
        assert_eq!([None, Some(0.0), Some(1_536.0), Some(5e9)].map(bytes), ["–", "0 KiB", "1.5 KiB", "4.7 GiB"]);
        assert_eq!([59.9, 60.0, 7_200.0, 200_000.0].map(span), ["59 s", "1 min", "2 h", "2 d"]);
        assert_eq!([0.0, 11.2, 60.0, 3_600.0].map(clock), ["0:00", "0:12", "1:00", "1:00:00"]);
    }
}
