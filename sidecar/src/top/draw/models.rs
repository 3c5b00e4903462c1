//! How long each model takes.

use super::page::Page;
use super::style::share;
use super::table::Columns;
use crate::serve::ui::view::View;
use crate::top::numbers::{millis, percent, rate, whole};
use crate::top::screen::Screen;
use ratatui::text::Span;

pub(super) fn draw(screen: &Screen, view: &View, page: &mut Page<'_>) {
    let is_wide = page.is_wide();
    let columns = Columns::new("Models").numbers("per s").numbers("served").numbers("P50").numbers("P95");
    let mut columns = if is_wide { columns.numbers("P99").numbers("requests") } else { columns };
    for model in &view.models {
        let times = screen.window.times(model.duration);
        let name = if model.name == "-" { "no known model" } else { &model.name };
        let mut cells = vec![
            Span::raw(name.to_owned()),
            Span::raw(rate(model.requests.rate)),
            Span::styled(percent(model.ok_percent), share(model.ok_percent, 100.0, 99.0)),
            Span::raw(millis(times.p50)),
            Span::raw(millis(times.p95)),
        ];
        if is_wide {
            cells.push(Span::raw(millis(times.p99)));
            cells.push(Span::raw(whole(screen.window.count(model.requests))));
        }
        columns.row(cells);
    }
    page.gap();
    columns.draw("No model is configured.", page);
}
