//! Colours say what is well; all that they say stands there in words too.

use ratatui::style::{Color, Modifier, Style};

pub(super) const PLAIN: Style = Style::new();
pub(super) const MUTED: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const WARN: Style = Style::new().fg(Color::Yellow);
pub(super) const BAD: Style = Style::new().fg(Color::Red);

/// Of a percentage that should be `good` at least and is bad below `poor`.
pub(super) fn share(percent: Option<f64>, good: f64, poor: f64) -> Style {
    match percent {
        Some(percent) if percent < poor => BAD,
        Some(percent) if percent < good => WARN,
        _ => PLAIN,
    }
}

/// `style` if there is any of it.
pub(super) fn if_any(value: f64, style: Style) -> Style {
    if value > 0.0 { style } else { PLAIN }
}
