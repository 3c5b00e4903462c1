//! Tables whose columns are as wide as what is in them.

use super::page::Page;
use super::style::{MUTED, STRONG};
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Row, Table, Widget};

/// Between two columns.
const SPACE: u16 = 2;
/// Of a name, in columns of the terminal.
const WIDEST: usize = 32;

pub(super) struct Columns {
    heads: Vec<(String, Alignment)>,
    rows: Vec<Vec<Span<'static>>>,
}

impl Columns {
    /// The first head is the table's title.
    pub(super) fn new(title: &str) -> Self {
        Self { heads: vec![(title.to_owned(), Alignment::Left)], rows: vec![] }
    }

    /// A column of words. As the last one it takes what room there is.
    pub(super) fn words(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), Alignment::Left));
        self
    }

    /// A column of numbers.
    pub(super) fn numbers(mut self, head: &str) -> Self {
        self.heads.push((head.to_owned(), Alignment::Right));
        self
    }

    /// A cell for each column.
    pub(super) fn row(&mut self, cells: Vec<Span<'static>>) {
        self.rows.push(cells);
    }

    /// Columns of the terminal that it needs.
    pub(super) fn width(&self) -> u16 {
        let of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(Span::width);
            cells.chain(self.heads.get(column).map(|(head, _)| Span::raw(head.as_str()).width())).max().unwrap_or(0)
        };
        let all = (0..self.heads.len()).map(|column| of(column) + usize::from(SPACE)).sum::<usize>();
        u16::try_from(all.saturating_sub(usize::from(SPACE))).unwrap_or(u16::MAX)
    }

    /// Lines that it needs.
    fn height(&self) -> u16 {
        u16::try_from(self.rows.len().max(1)).unwrap_or(u16::MAX).saturating_add(1)
    }

    /// The next lines of the page, with `none` where there is no row.
    pub(super) fn draw(self, none: &str, page: &mut Page<'_>) {
        let area = page.take(self.height());
        if self.rows.is_empty()
            && let Some(below) = area.rows().nth(1)
        {
            Line::styled(none.to_owned(), MUTED).render(below, page.buffer);
        }
        self.draw_in(area, page.buffer);
    }

    /// As much of it as there is room for.
    pub(super) fn draw_in(mut self, area: Rect, buffer: &mut Buffer) {
        let grows = self.heads.last().is_some_and(|(_, side)| *side == Alignment::Left);
        let last = self.heads.len() - 1;
        let mut left = area.width;
        let mut widths = Vec::new();
        for column in 0..=last {
            let most = if grows && column == last { usize::from(left) } else { WIDEST };
            for cell in self.rows.iter_mut().filter_map(|row| row.get_mut(column)) {
                shorten(cell, most);
            }
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(Span::width);
            let head = self.heads.get(column).map(|(head, _)| Span::raw(head.as_str()).width());
            let width = u16::try_from(cells.chain(head).max().unwrap_or(0)).unwrap_or(u16::MAX);
            widths.push(Constraint::Length(width));
            left = left.saturating_sub(width.saturating_add(SPACE));
        }
        let Self { heads, rows } = self;
        let line = |(cell, (_, side)): (Span<'static>, &(String, Alignment))| Line::from(cell).alignment(*side);
        let head = heads.iter().enumerate().map(|(column, head)| {
            let style = if column == 0 { STRONG } else { MUTED };
            line((Span::styled(head.0.clone(), style), head))
        });
        let head = Row::new(head.collect::<Vec<_>>());
        let rows = rows.into_iter().map(|row| Row::new(row.into_iter().zip(&heads).map(line).collect::<Vec<_>>()));
        Widget::render(Table::new(rows, widths).header(head).column_spacing(SPACE), area, buffer);
    }
}

/// What is wider than `most` ends in `…`.
fn shorten(cell: &mut Span<'static>, most: usize) {
    if cell.width() <= most {
        return;
    }
    let mut text = String::new();
    for char in cell.content.chars() {
        if Span::raw(text.as_str()).width() + 2 > most {
            break;
        }
        text.push(char);
    }
    text.push('…');
    cell.content = text.into();
}
