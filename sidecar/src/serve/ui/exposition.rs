//! Prometheus' text format, as Envoy's admin interface writes it: `name{label="value",…} 1` for each series.

/// What a value is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Series {
    pub(super) name: String,
    /// In the order of the text.
    labels: Vec<(String, String)>,
}

impl Series {
    /// From what stands before the value; None: it is no series.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let Some((name, rest)) = key.split_once('{') else {
            return Some(Self { name: key.to_owned(), labels: Vec::new() });
        };
        let mut rest = rest.strip_suffix('}')?;
        let mut labels = Vec::new();
        while !rest.is_empty() {
            let (label, value) = rest.split_once("=\"")?;
            let (value, after) = quoted(value)?;
            labels.push((label.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Some(Self { name: name.to_owned(), labels })
    }

    /// The value of a label; empty: it has none of that name.
    pub(super) fn label(&self, label: &str) -> &str {
        self.labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value)
    }
}

/// Up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return Some((value, text.get(place + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            char => value.push(char),
        }
    }
    None
}

/// Each series as it is written, with its value; what is neither is left out.
pub(super) fn values(text: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (key, value) = line.rsplit_once(' ')?;
        Some((key, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoys_own_text_is_read_whole() {
        let text = include_str!("tests/after.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#')).count();
        let series: Vec<_> = values(text).map(|(key, value)| (Series::parse(key).expect(key), value)).collect();
        assert_eq!(series.len(), lines);
        let find = |name: &str, label, value: &str| {
            series.iter().find(|(series, _)| series.name == name && series.label(label) == value).expect(name).1
        };
        assert_eq!(find("weir_fallbacks", "reason", "server_error"), 10.0);
        assert_eq!(find("weir_first_token_ms_bucket", "le", "+Inf"), 90.0);
        assert_eq!(find("envoy_server_live", "none", ""), 1.0);
    }

    #[test]
    fn a_name_may_hold_what_ends_others() {
        let series = Series::parse(r#"weir_requests{model="a\"b\\c\nd, {x=\"}",tenant=""}"#).expect("a series");
        assert_eq!(series.label("model"), "a\"b\\c\nd, {x=\"}");
        assert_eq!((series.label("tenant"), series.label("nothing")), ("", ""));
    }

    #[test]
    fn what_is_no_series_is_left_out() {
        for key in ["a{b", "a{b}", "a{b=\"c}", "a{b=\"c\\", "a{b=\"c\"d}"] {
            assert_eq!(Series::parse(key), None, "{key}");
        }
        assert_eq!(values("# a 1\nb\nc x\n\nd 1\ne NaN x\n").count(), 1);
    }
}
