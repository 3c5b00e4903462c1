//! Whether users are served, and how old that news is.

use super::page::Page;
use super::style::{BAD, GOOD, MUTED, PLAIN, STRONG, WARN};
use crate::serve::ui::view::{State, View};
use crate::top::numbers::{percent, span, whole, words};
use crate::top::screen::{Screen, Window};
use ratatui::layout::Alignment;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::Duration;

/// A view is old if none has come for so long.
const OLD: Duration = Duration::from_secs(3);
const MOST_LINES: u16 = 3;

pub(super) fn keys(screen: &Screen, page: &mut Page<'_>) {
    let other = match screen.window {
        Window::Minute => " since start",
        Window::Ever => " last minute",
    };
    let line = Line::from(vec![
        Span::styled("m", STRONG),
        Span::styled(other, MUTED),
        Span::styled("   q", STRONG),
        Span::styled(" quit", MUTED),
    ]);
    let area = page.take_last();
    line.render(area, page.buffer);
}

/// Whose status it is.
pub(super) fn title(screen: &Screen, page: &mut Page<'_>) {
    let mut line = vec![Span::styled("Weir", STRONG)];
    if let Some(view) = &screen.view {
        let live = view.envoys.iter().filter(|envoy| envoy.state == State::Live).count();
        let noun = if view.envoys.len() == 1 { "Envoy" } else { "Envoys" };
        let style = if live == view.envoys.len() { MUTED } else { BAD };
        line.push(Span::styled(format!("  {live} of {} {noun} live", view.envoys.len()), style));
    }
    let area = page.take(1);
    Line::from(line).render(area, page.buffer);
    let window = match (&screen.view, screen.has_keys) {
        (None, _) => return,
        (Some(_), true) if screen.age >= OLD => format!("{} old", span(screen.age.as_secs_f64())),
        (Some(view), _) => of(screen.window, view),
    };
    Line::styled(window, MUTED).alignment(Alignment::Right).render(area, page.buffer);
}

/// Why there is nothing, or nothing new.
pub(super) fn trouble(screen: &Screen, page: &mut Page<'_>) {
    let (text, style) = match (&screen.trouble, &screen.view) {
        (Some(why), _) => (why.clone(), BAD),
        (None, None) => (format!("asking {} …", screen.place), MUTED),
        (None, Some(_)) => return,
    };
    page.gap();
    page.wrapped(Line::styled(text, style), MOST_LINES);
}

/// The figure, what it means, and of what it is made.
pub(super) fn served(screen: &Screen, view: &View, page: &mut Page<'_>) {
    let (say, style) = headline(view);
    let figure = match screen.window {
        Window::Minute => view.served.percent,
        Window::Ever => view.served.ever_percent,
    };
    page.gap();
    page.line(Line::from(vec![
        Span::styled(format!("{} served", percent(figure)), STRONG),
        Span::raw("   "),
        Span::styled(say, style),
    ]));
    let minute = format!("{} served {}", whole(view.served.ok), of(Window::Minute, view));
    let own = ["ok", "client_error", "aborted"];
    let failed = view.outcomes.iter().filter(|outcome| !own.contains(&outcome.name.as_str()));
    let failed = failed.filter(|outcome| outcome.count.minute > 0.0);
    let failed: Vec<_> =
        failed.map(|outcome| format!("{} {}", whole(outcome.count.minute), words(&outcome.name))).collect();
    let detail = if failed.is_empty() {
        format!("{minute}.")
    } else {
        format!("{minute}, {} not: {}.", whole(view.served.failed), failed.join(", "))
    };
    page.wrapped(Line::styled(detail, MUTED), MOST_LINES);
    for envoy in view.envoys.iter().filter(|envoy| envoy.state == State::Unreachable) {
        let why = envoy.why.as_deref().unwrap_or_default();
        page.wrapped(Line::styled(format!("Envoy {} {why}.", envoy.address), BAD), MOST_LINES);
    }
}

fn headline(view: &View) -> (String, Style) {
    let away = view.envoys.iter().filter(|envoy| envoy.state == State::Unreachable).count();
    let served = view.served;
    if away == view.envoys.len() {
        return ("No Envoy can be read.".to_owned(), BAD);
    }
    let (say, style) = match (served.ok > 0.0, served.failed > 0.0) {
        (true, false) => ("Everybody is served.", GOOD),
        (false, false) => ("Nobody has asked lately.", PLAIN),
        (false, true) => ("Nobody is served.", BAD),
        (true, true) if served.percent.is_some_and(|percent| percent >= 99.0) => ("Almost everybody is served.", WARN),
        (true, true) => ("Some are not served.", BAD),
    };
    let besides = if away > 0 { " Not every Envoy can be read." } else { "" };
    (format!("{say}{besides}"), style)
}

/// In words: of when counts and percentiles are.
fn of(window: Window, view: &View) -> String {
    match window {
        Window::Ever => "since Envoy’s start".to_owned(),
        Window::Minute if view.minute_seconds > 0.0 && view.minute_seconds < 55.0 => {
            format!("in the last {:.0} s", view.minute_seconds)
        }
        Window::Minute => "in the last minute".to_owned(),
    }
}
