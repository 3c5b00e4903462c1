//! A page that is filled from its top.

use super::WIDE;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

/// On both sides of the text.
const MARGIN: u16 = 1;
/// Between columns.
const GUTTER: u16 = 4;

pub(super) struct Page<'a> {
    pub(super) buffer: &'a mut Buffer,
    /// What is still empty.
    rest: Rect,
}

impl<'a> Page<'a> {
    pub(super) fn new(area: Rect, buffer: &'a mut Buffer) -> Self {
        let rest = area.intersection(buffer.area);
        let margin = MARGIN.min(rest.width / 2);
        let rest = Rect { x: rest.x.saturating_add(margin), width: rest.width.saturating_sub(2 * margin), ..rest };
        Self { buffer, rest }
    }

    pub(super) fn width(&self) -> u16 {
        self.rest.width
    }

    pub(super) fn is_wide(&self) -> bool {
        self.rest.width.saturating_add(2 * MARGIN) >= WIDE
    }

    /// The next lines, or as many as there are.
    pub(super) fn take(&mut self, height: u16) -> Rect {
        let height = height.min(self.rest.height);
        let taken = Rect { height, ..self.rest };
        self.rest = Rect { y: self.rest.y.saturating_add(height), height: self.rest.height - height, ..self.rest };
        taken
    }

    /// The last line.
    pub(super) fn take_last(&mut self) -> Rect {
        let height = self.rest.height.min(1);
        self.rest.height -= height;
        Rect { y: self.rest.bottom(), height, ..self.rest }
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.take(1);
    }

    pub(super) fn line(&mut self, line: Line<'_>) {
        let area = self.take(1);
        line.render(area, self.buffer);
    }

    /// In as many lines as it needs, at most so many.
    pub(super) fn wrapped(&mut self, line: Line<'_>, most: u16) {
        let width = usize::from(self.rest.width.max(1));
        // Words that do not fit whole leave some of a line empty.
        let lines = if line.width() <= width { 1 } else { line.width() * 5 / 4 / width + 1 };
        let area = self.take(u16::try_from(lines).unwrap_or(most).min(most));
        Paragraph::new(line).wrap(Wrap { trim: true }).render(area, self.buffer);
    }

    /// The next lines, in so many equal columns.
    pub(super) fn columns(&mut self, count: usize, height: u16) -> Vec<Rect> {
        let area = self.take(height);
        Layout::horizontal(vec![Constraint::Fill(1); count]).spacing(GUTTER).split(area).to_vec()
    }
}
