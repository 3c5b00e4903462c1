//! A command in a terminal of its own.

use crate::artifacts;
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: Winsize = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };

/// `weir` in a terminal of 120 columns and 40 lines. Dropping it kills it.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// As long as this end is open, the terminal is there.
    own: OwnedFd,
    before: Termios,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts it.
    ///
    /// # Panics
    /// If there are no terminals.
    pub fn start(arguments: &[&str]) -> Self {
        let pty = openpty(&SIZE, None).expect("a terminal");
        let (master, own) = (File::from(pty.master), pty.slave);
        let before = tcgetattr(&own).expect("its settings");
        let end = || own.try_clone().expect("a file");
        let child = Command::new(artifacts::weir())
            .args(arguments)
            .env_clear()
            .env("TERM", "xterm-256color")
            .current_dir(std::env::temp_dir())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("weir starts");
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut screen = master.try_clone().expect("a file");
        let log = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                log.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keyboard: master, own, before, written }
    }

    /// Presses keys, as the bytes that they are.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("the terminal takes keys");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX)), signal);
    }

    /// Everything that was written so far.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until it has written this.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn shows(&self, text: &str) {
        let begun = Instant::now();
        while !self.written().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "{text:?} is not shown: {:?}", self.written());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not come in time.
    pub async fn ends(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {:?}", self.written());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether it echoes and edits lines again as before the command.
    pub fn is_as_before(&self) -> bool {
        tcgetattr(&self.own).is_ok_and(|now| now == self.before)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
