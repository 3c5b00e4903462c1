//! Requests per second, by how they end.

use super::page::Page;
use super::style::{BAD, GOOD, MUTED, PLAIN, STRONG, WARN, if_any};
use super::table::Columns;
use crate::serve::ui::view::{Count, View};
use crate::top::numbers::{rate, whole};
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::symbols::bar::NINE_LEVELS;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Sparkline, SparklineBar, Widget};

/// What the line of the last requests goes back, in milliseconds.
const SHOWN: u64 = 180_000;
/// Heads, rates and totals.
const HEIGHT: u16 = 3;
/// A narrower line of the last requests is none.
const NARROWEST: u16 = 24;
/// Between the table and that line.
const GUTTER: u16 = 2;

pub(super) fn draw(view: &View, page: &mut Page<'_>) {
    page.gap();
    let tiles = tiles(view);
    let all = table(&tiles);
    let width = all.width();
    if width > page.width() {
        let (first, second) = tiles.split_at(4);
        for part in [first, second] {
            let area = page.take(HEIGHT);
            table(part).draw_in(area, page.buffer);
        }
        return;
    }
    let area = page.take(HEIGHT);
    all.draw_in(area, page.buffer);
    let width = width.saturating_add(GUTTER).min(area.width);
    let area = Rect { x: area.x + width, width: area.width - width, ..area };
    if area.width < NARROWEST {
        return;
    }
    let mut rows = area.rows();
    let Some(first) = rows.next() else { return };
    Line::styled("per second, last 3 min", MUTED).alignment(Alignment::Right).render(first, page.buffer);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let bars = bars(view, below.width);
    Sparkline::default().data(bars).bar_set(NINE_LEVELS).absent_value_symbol(" ").render(below, page.buffer);
}

/// Name, counter, and how it looks if there is any.
type Tile = (&'static str, Count, Style);

fn tiles(view: &View) -> [Tile; 7] {
    let of = |names: &[&str]| {
        let named = view.outcomes.iter().filter(|outcome| names.contains(&outcome.name.as_str()));
        named.fold(Count::default(), |sum, outcome| sum + outcome.count)
    };
    [
        ("all", view.requests, PLAIN),
        ("429 limit", of(&["limited"]), WARN),
        ("429 targets", of(&["upstream_429"]), BAD),
        ("5xx", of(&["upstream_5xx"]), BAD),
        ("timeouts", of(&["timeout"]), BAD),
        ("cut", of(&["cut"]), BAD),
        ("by client", of(&["client_error", "aborted"]), PLAIN),
    ]
}

fn table(tiles: &[Tile]) -> Columns {
    let columns = tiles.iter().fold(Columns::new("Requests"), |columns, (name, _, _)| columns.numbers(name));
    let mut columns = columns;
    let row = |name: &'static str, cell: &dyn Fn(&Tile) -> Span<'static>| {
        std::iter::once(Span::styled(name, MUTED)).chain(tiles.iter().map(cell)).collect()
    };
    let now = |(_, count, style): &Tile| Span::styled(rate(count.rate), STRONG.patch(if_any(count.rate, *style)));
    columns.row(row("per second", &now));
    columns.row(row("since start", &|(_, count, _)| Span::raw(whole(count.total))));
    columns
}

/// One for each column: the mean of the samples in its part of the time, in tenths; red where somebody was not served.
fn bars(view: &View, width: u16) -> Vec<SparklineBar> {
    let width = u64::from(width.max(1));
    let bar = |column: u64| {
        let is_in = |at: u64| {
            let age = view.at.saturating_sub(at);
            age < SHOWN && (SHOWN - 1 - age) * width / SHOWN == column
        };
        let points: Vec<_> = view.history.iter().filter(|point| is_in(point.at)).collect();
        let all: f64 = points.iter().map(|point| point.ok + point.failed + point.other).sum();
        let count = f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX));
        // `as` saturates.
        let height = (!points.is_empty()).then(|| (all / count * 10.0).ceil() as u64);
        let is_bad = points.iter().any(|point| point.failed > 0.0);
        SparklineBar::from(height).style(if is_bad { BAD } else { GOOD })
    };
    (0..width).map(bar).collect()
}
