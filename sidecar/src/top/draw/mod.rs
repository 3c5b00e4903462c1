//! A frame, from top to bottom; what does not fit is left out from its end. Pure.

mod facts;
mod fallbacks;
mod head;
mod models;
mod page;
mod providers;
mod rates;
mod style;
mod table;

use super::screen::Screen;
use page::Page;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From so many columns on there is room for all.
const WIDE: u16 = 112;

pub(super) fn draw(screen: &Screen, area: Rect, buffer: &mut Buffer) {
    let mut page = Page::new(area, buffer);
    if screen.has_keys {
        head::keys(screen, &mut page);
    }
    head::title(screen, &mut page);
    head::trouble(screen, &mut page);
    let Some(view) = &screen.view else { return };
    head::served(screen, view, &mut page);
    rates::draw(view, &mut page);
    providers::draw(screen, view, &mut page);
    models::draw(screen, view, &mut page);
    facts::draw(screen, view, &mut page);
    fallbacks::draw(view, &mut page);
}
