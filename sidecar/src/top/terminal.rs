//! Frames on the terminal, and keys from it. Whatever happens, the terminal is given back as it was.

use super::draw;
use super::screen::{Screen, Wish};
use crate::failure::{Failure, Outcome};
use crate::serve::ui::view::View;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Clocks go on so often, and so long an answer waits to be shown.
const TICK: Duration = Duration::from_millis(200);

/// What comes from elsewhere than the keyboard.
pub(super) enum Heard {
    Answer(Box<Outcome<View>>),
    /// A signal.
    Stop,
}

/// The terminal's other screen, without echo. Dropping it gives the first one back; ratatui's panic hook does the same
/// before it tells of the panic.
struct Raw(DefaultTerminal);

impl Raw {
    fn enter() -> Outcome<Self> {
        ratatui::try_init().map(Self).map_err(|error| {
            ratatui::restore();
            Failure::runtime(format_args!("no terminal: {error}"))
        })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Until somebody wants to quit, or nobody answers any more.
pub(super) fn run(mut screen: Screen, hear: &Receiver<Heard>) -> Outcome {
    let mut raw = Raw::enter()?;
    let mut since = Instant::now();
    loop {
        loop {
            match hear.try_recv() {
                Ok(Heard::Answer(answer)) => {
                    if answer.is_ok() {
                        since = Instant::now();
                    }
                    screen.take(*answer);
                }
                Ok(Heard::Stop) => return Ok(()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(Failure::Runtime("asking has ended".to_owned())),
            }
        }
        screen.age = since.elapsed();
        let draw = |frame: &mut ratatui::Frame| draw::draw(&screen, frame.area(), frame.buffer_mut());
        raw.0.draw(draw).map_err(Failure::runtime)?;
        if !event::poll(TICK).map_err(Failure::runtime)? {
            continue;
        }
        match Wish::of(&event::read().map_err(Failure::runtime)?) {
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::Switch) => screen.switch(),
            None => {}
        }
    }
}
