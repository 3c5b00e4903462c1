//! A frame as text.

use super::draw;
use super::screen::Screen;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

const WIDTH: u16 = 120;
/// More than a frame has.
const HEIGHT: u16 = 200;

/// All of it, without colours: lines without a trailing space.
pub(super) fn text(screen: &Screen) -> String {
    let area = Rect::new(0, 0, WIDTH, HEIGHT);
    let mut buffer = Buffer::empty(area);
    draw::draw(screen, area, &mut buffer);
    let line = |y: u16| {
        let symbols = (0..WIDTH).filter_map(|x| Some(buffer.cell(Position::new(x, y))?.symbol()));
        symbols.collect::<String>().trim_end().to_owned()
    };
    let text = (0..HEIGHT).map(line).collect::<Vec<_>>().join("\n");
    text.trim_end().to_owned()
}
