//! A plain table: columns that are as wide as what is in them.

use std::fmt::Write as _;

/// Which side a column's cells stand on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Lines without a trailing space, the last one without a line break. Each row has a cell for each column.
pub(crate) fn show(columns: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let lines = || std::iter::once(&heads).chain(rows);
    let width = |column: usize| {
        let cells = lines().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let shown = lines().map(|line| {
        let mut text = String::new();
        for ((cell, (_, side)), width) in line.iter().zip(columns).zip(&widths) {
            let _ = match side {
                Side::Left => write!(text, "{cell:<width$}  "),
                Side::Right => write!(text, "{cell:>width$}  "),
            };
        }
        text.truncate(text.trim_end().len());
        text
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let rows = [["a", "1"], ["longer", "1000"], ["", "20"]].map(|row| row.map(str::to_owned).to_vec());
        expect_test::expect![[r#"
            NAME       N
            a          1
            longer  1000
                      20"#]]
        .assert_eq(&show(&[("NAME", Side::Left), ("N", Side::Right)], &rows));
    }
}
