//! What is on the screen, and what keys and answers make of it.

use super::clean::{clean, clean_all};
use crate::failure::{Failure, Outcome};
use crate::serve::ui::view::{Count, Percentiles, Times, View};
use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::Value;
use std::time::Duration;

/// What counts and percentiles are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Minute,
    /// Since Envoy's start.
    Ever,
}

impl Window {
    pub(super) fn count(self, count: Count) -> f64 {
        match self {
            Self::Minute => count.minute,
            Self::Ever => count.total,
        }
    }

    pub(super) fn times(self, times: Times) -> Percentiles {
        match self {
            Self::Minute => times.minute,
            Self::Ever => times.ever,
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    Switch,
}

impl Wish {
    pub(super) fn of(event: &Event) -> Option<Self> {
        let Event::Key(key) = event else { return None };
        if key.kind == KeyEventKind::Release {
            return None;
        }
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Self::Quit),
            KeyCode::Char('q') | KeyCode::Esc => Some(Self::Quit),
            KeyCode::Char('m') | KeyCode::Tab => Some(Self::Switch),
            _ => None,
        }
    }
}

/// All that a frame is drawn from.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Where the sidecar is asked.
    pub(super) place: String,
    pub(super) window: Window,
    /// None: it has never answered.
    pub(super) view: Option<View>,
    /// Since the view came.
    pub(super) age: Duration,
    /// Why there is no newer view.
    pub(super) trouble: Option<String>,
    /// Whether somebody can press a key.
    pub(super) has_keys: bool,
}

impl Screen {
    pub(super) fn new(place: &str, window: Window, has_keys: bool) -> Self {
        Self { place: clean(place), window, view: None, age: Duration::ZERO, trouble: None, has_keys }
    }

    /// Takes what the sidecar answered. What it said before stays where it does not.
    pub(super) fn take(&mut self, answer: Outcome<View>) {
        match answer {
            Ok(view) => {
                (self.view, self.age, self.trouble) = (Some(view), Duration::ZERO, None);
            }
            Err(Failure::Config(why) | Failure::Runtime(why)) => self.trouble = Some(clean(&why)),
        }
    }

    pub(super) fn switch(&mut self) {
        self.window = match self.window {
            Window::Minute => Window::Ever,
            Window::Ever => Window::Minute,
        };
    }
}

/// The sidecar's answer as a view, fit for a terminal.
pub(super) fn read(mut answer: Value) -> Outcome<View> {
    clean_all(&mut answer);
    let other = |error| Failure::Runtime(format!("the sidecar's answer is of another version: {error}"));
    serde_json::from_value(answer).map_err(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::crossterm::event::{KeyEvent, KeyEvent as Key};

    #[test]
    fn keys_are_few() {
        let plain = |code| Event::Key(Key::new(code, KeyModifiers::NONE));
        for (event, expected) in [
            (plain(KeyCode::Char('q')), Some(Wish::Quit)),
            (plain(KeyCode::Esc), Some(Wish::Quit)),
            (Event::Key(Key::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Wish::Quit)),
            (plain(KeyCode::Char('c')), None),
            (plain(KeyCode::Char('m')), Some(Wish::Switch)),
            (plain(KeyCode::Tab), Some(Wish::Switch)),
            (Event::Key(KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release)), None),
            (Event::Resize(1, 1), None),
        ] {
            assert_eq!(Wish::of(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn what_was_said_stays_while_the_sidecar_is_away() {
        let mut screen = Screen::new("here", Window::Minute, true);
        screen.take(Ok(super::super::tests::empty()));
        screen.take(Err(Failure::Runtime("no sidecar\u{1b}".to_owned())));
        assert!(screen.view.is_some());
        assert_eq!(screen.trouble.as_deref(), Some("no sidecar\u{fffd}"));
        screen.take(Ok(super::super::tests::empty()));
        assert_eq!(screen.trouble, None);
    }
}
