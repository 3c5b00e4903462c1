//! Single numbers: who waits, what the cache saves, what it costs, what Weir itself takes.

use super::page::Page;
use super::style::{BAD, MUTED, PLAIN, STRONG, WARN, if_any};
use crate::serve::ui::view::{Named, View};
use crate::top::numbers::{NONE, bytes, dollars, micros, millis, percent, span, whole, words};
use crate::top::screen::{Screen, Window};
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;

/// Rows of the longest group, that of tenants left aside.
const HEIGHT: usize = 6;

struct Group {
    title: &'static str,
    rows: Vec<(String, String, Style)>,
}

impl Group {
    fn new(title: &'static str) -> Self {
        Self { title, rows: vec![] }
    }

    fn row(mut self, name: &str, value: String, style: Style) -> Self {
        self.rows.push((name.to_owned(), value, style));
        self
    }

    fn draw(&self, area: Rect, page: &mut Page<'_>) {
        let mut lines = area.rows();
        if let Some(line) = lines.next() {
            Line::styled(self.title, STRONG).render(line, page.buffer);
        }
        for ((name, value, style), line) in self.rows.iter().zip(lines) {
            Line::styled(name.clone(), MUTED).render(line, page.buffer);
            // A value is worth more than its name.
            let value = format!(" {value}");
            Line::styled(value, *style).alignment(Alignment::Right).render(line, page.buffer);
        }
    }
}

pub(super) fn draw(screen: &Screen, view: &View, page: &mut Page<'_>) {
    let groups = [waiting(screen.window, view), cache(screen.window, view), cost(view), own(screen.window, view)];
    let in_a_row = if page.is_wide() { 4 } else { 2 };
    for groups in groups.chunks(in_a_row) {
        let rows = groups.iter().map(|group| group.rows.len()).max().unwrap_or(0).min(HEIGHT);
        page.gap();
        let columns = page.columns(groups.len(), u16::try_from(rows + 1).unwrap_or(u16::MAX));
        for (group, area) in groups.iter().zip(columns) {
            group.draw(area, page);
        }
    }
}

fn counted(window: Window, items: &[Named], name: &str) -> f64 {
    items.iter().find(|item| item.name == name).map_or(0.0, |item| window.count(item.count))
}

fn waiting(window: Window, view: &View) -> Group {
    let waiting = &view.waiting;
    let times = window.times(waiting.wait);
    let oldest = (waiting.now > 0.0).then_some(waiting.oldest);
    let group = Group::new("Waiting room")
        .row("now", whole(waiting.now), if_any(waiting.now, WARN))
        .row("oldest", millis(oldest), PLAIN)
        .row("wait P50", millis(times.p50), PLAIN)
        .row("wait P99", millis(times.p99), PLAIN);
    let limited = waiting.limited.iter().find(|item| window.count(item.count) > 0.0);
    match limited {
        None => group.row("met a limit", "nobody".to_owned(), PLAIN),
        Some(most) => group.row(&format!("limit: {}", words(&most.name)), whole(window.count(most.count)), PLAIN),
    }
}

fn cache(window: Window, view: &View) -> Group {
    let cache = &view.cache;
    let hit = match window {
        Window::Minute => cache.hit_percent,
        Window::Ever => cache.ever_hit_percent,
    };
    let of = |name| whole(counted(window, &cache.results, name));
    Group::new("Cache")
        .row("hit ratio", percent(hit), PLAIN)
        .row("hits", of("hit"), PLAIN)
        .row("shared", of("coalesced"), PLAIN)
        .row("misses", of("miss"), PLAIN)
        .row("in the workers", bytes(Some(cache.bytes)), PLAIN)
}

fn cost(view: &View) -> Group {
    let tokens = |name| whole(counted(Window::Ever, &view.tokens, name));
    let unpriced = view.cost.unpriced.total;
    let group = Group::new("Cost since Envoy’s start")
        .row("cost", dollars(view.cost.microusd.total), PLAIN)
        .row("in the last minute", dollars(view.cost.microusd.minute), PLAIN)
        .row("tokens in", tokens("input"), PLAIN)
        .row("tokens out", tokens("output"), PLAIN);
    let budget = view.budgets.iter().filter_map(|budget| Some((budget, budget.percent?)));
    match budget.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((budget, percent)) => {
            let style = if percent >= 100.0 {
                BAD
            } else if budget.is_warned {
                WARN
            } else {
                PLAIN
            };
            group.row(&format!("budget: {}", budget.tenant), format!("{} %", whole(percent)), style)
        }
        None => group.row("without a price", whole(unpriced), if_any(unpriced, WARN)),
    }
}

fn own(window: Window, view: &View) -> Group {
    let sidecar = &view.sidecar;
    let (up, style) = match sidecar.is_missed {
        true => ("missed".to_owned(), BAD),
        false => (format!("up {}", span(sidecar.uptime_seconds)), PLAIN),
    };
    let request = window.times(view.overhead.request_us);
    let group = Group::new("Weir itself")
        .row("per request P50", micros(request.p50), PLAIN)
        .row("per request P99", micros(request.p99), PLAIN)
        .row("sidecar", up, style);
    let group = match sidecar.store_ms {
        Some(ms) => group.row(&format!("store, {}", sidecar.store), micros(Some(ms * 1e3)), PLAIN),
        None => group.row(&format!("store, {}", sidecar.store), "away".to_owned(), BAD),
    };
    let memory: f64 = view.envoys.iter().map(|envoy| envoy.memory_bytes).sum();
    group.row("Envoy’s memory", if memory > 0.0 { bytes(Some(memory)) } else { NONE.to_owned() }, PLAIN)
}
