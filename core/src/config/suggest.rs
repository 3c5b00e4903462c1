//! "Did you mean …?"

/// The candidate that `word` most likely was meant to be, if one is close enough to be worth naming.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long word makes the table large and has no close candidate anyway.
    if word.len() > 64 {
        return None;
    }
    let allowed = match word.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, in characters, `-` and `_` and case being the same.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().map(fold).collect();
    let to: Vec<char> = to.chars().map(fold).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (b, up) in to.iter().zip(row.iter().skip(1)) {
            let replace = diagonal.saturating_add(usize::from(a != b));
            left = replace.min(left.saturating_add(1)).min(up.saturating_add(1));
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn fold(c: char) -> char {
    if c == '-' { '_' } else { c.to_ascii_lowercase() }
}
