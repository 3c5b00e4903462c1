//! Which provider hurts.

use super::page::Page;
use super::style::{BAD, GOOD, PLAIN, WARN, share};
use super::table::Columns;
use crate::serve::ui::view::{Provider, View};
use crate::top::numbers::{clock, millis, percent, rate, whole, words};
use crate::top::screen::Screen;
use ratatui::style::Style;
use ratatui::text::Span;

/// In fewer columns there is no room for how attempts ended.
const RESULTS_FROM: u16 = 76;

pub(super) fn draw(screen: &Screen, view: &View, page: &mut Page<'_>) {
    let is_wide = page.is_wide();
    let columns = Columns::new("Providers").words("").numbers("per s").numbers("served");
    let columns = if is_wide {
        columns.numbers("in flight").numbers("1st token P50").numbers("P95").numbers("P99")
    } else {
        columns.numbers("1st token P95")
    };
    let has_results = page.width() >= RESULTS_FROM;
    let mut columns = if has_results { columns.words("results") } else { columns };
    for provider in &view.providers {
        let times = screen.window.times(provider.first_token);
        let (state, style) = state(provider, screen.age.as_secs_f64());
        let mut cells = vec![
            Span::raw(provider.name.clone()),
            Span::styled(state, style),
            Span::raw(rate(provider.attempts.rate)),
            Span::styled(percent(provider.ok_percent), share(provider.ok_percent, 99.0, 80.0)),
        ];
        if is_wide {
            cells.push(Span::raw(whole(provider.in_flight)));
            cells.extend([times.p50, times.p95, times.p99].map(|time| Span::raw(millis(time))));
        } else {
            cells.push(Span::raw(millis(times.p95)));
        }
        if has_results {
            cells.push(results(screen, provider));
        }
        columns.row(cells);
    }
    page.gap();
    columns.draw("No provider is configured.", page);
}

/// Its cooldown has gone on since the view came.
fn state(provider: &Provider, age: f64) -> (String, Style) {
    let left = (provider.cooldown - age).max(0.0);
    if provider.ejected > 0.0 {
        ("ejected".to_owned(), BAD)
    } else if left > 0.0 {
        (format!("cooldown {}", clock(left)), WARN)
    } else {
        ("ready".to_owned(), GOOD)
    }
}

/// What failed comes first: it may be cut off at the end.
fn results(screen: &Screen, provider: &Provider) -> Span<'static> {
    let counted = provider.results.iter().map(|result| (result.name.as_str(), screen.window.count(result.count)));
    let (ok, failed): (Vec<_>, Vec<_>) =
        counted.filter(|(_, count)| *count > 0.0).partition(|(name, _)| matches!(*name, "ok" | "cancelled"));
    let parts = failed.into_iter().chain(ok).map(|(name, count)| format!("{} {}", whole(count), words(name)));
    let parts: Vec<String> = parts.collect();
    Span::styled(parts.join(", "), PLAIN)
}
