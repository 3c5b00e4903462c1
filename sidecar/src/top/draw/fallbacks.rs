//! Who took over from whom.

use super::page::Page;
use super::table::Columns;
use crate::serve::ui::view::{Fallback, View};
use crate::top::numbers::{NONE, whole, words};
use jiff::Timestamp;
use jiff::tz::Offset;
use ratatui::text::Span;

const MOST: usize = 12;

pub(super) fn draw(view: &View, page: &mut Page<'_>) {
    let columns = Columns::new("Fallbacks").words("the last").numbers("requests");
    let mut columns = columns.words("reason");
    for Fallback { since: _, at, from, to, reason, count } in view.fallbacks.iter().take(MOST) {
        columns.row(vec![
            Span::raw(time(*at)),
            Span::raw(format!("{from} → {to}")),
            Span::raw(whole(*count)),
            Span::raw(words(reason)),
        ]);
    }
    page.gap();
    columns.draw("None since somebody looks.", page);
}

/// Of milliseconds since 1970.
fn time(at: u64) -> String {
    let moment = i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    moment.map_or(NONE.to_owned(), |at| Offset::UTC.to_datetime(at).strftime("%H:%M:%SZ").to_string())
}
