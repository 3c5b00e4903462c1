//! The `weir` command as a process.

use crate::artifacts;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::sleep;

/// More than `up` gives Envoy.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of a log that a failing test shows.
const SHOWN: usize = 200;

/// A command that is not started yet. It works in a folder of its own and knows only the environment it is given.
pub struct Command {
    program: PathBuf,
    arguments: Vec<String>,
    folder: TempDir,
    env: BTreeMap<String, String>,
}

/// A command that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; None if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Command {
    /// `weir` with these arguments.
    pub fn new(arguments: &[&str]) -> Self {
        Self::of(artifacts::weir(), arguments)
    }

    /// A program with these arguments.
    pub fn of(program: PathBuf, arguments: &[&str]) -> Self {
        let mut env = BTreeMap::from([
            ("ENVOY".to_owned(), text(artifacts::envoy())),
            ("WEIR_FILTER".to_owned(), text(artifacts::filter())),
        ]);
        for name in ["PATH", "HOME", "TMPDIR"] {
            env.extend(std::env::var(name).ok().map(|value| (name.to_owned(), value)));
        }
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { program, arguments, folder: TempDir::new().expect("a temporary folder"), env }
    }

    /// With this configuration, in `weir.yaml`.
    pub fn config(mut self, yaml: &str) -> Self {
        std::fs::write(self.path("weir.yaml"), yaml).expect("weir.yaml is written");
        self.arguments.extend(["--config".to_owned(), "weir.yaml".to_owned()]);
        self
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A file of the folder it works in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it.
    pub fn start(self) -> Running {
        Running { child: self.spawn(), command: self, shown: false }
    }

    fn spawn(&self) -> Child {
        let file = |name: &str| Stdio::from(File::create(self.path(name)).expect("a log file"));
        std::process::Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("weir starts")
    }

    /// Runs it to its end.
    pub async fn run(self) -> Finished {
        self.start().finish(Duration::from_secs(60)).await
    }
}

/// A running command. Dropping it ends it.
pub struct Running {
    child: Child,
    command: Command,
    shown: bool,
}

impl Running {
    /// Waits for a line of standard output that starts with `word`.
    ///
    /// # Panics
    /// If the command ends before, or nothing comes in time.
    pub async fn line(&mut self, word: &str, patience: Duration) {
        let begun = Instant::now();
        while !self.stdout().lines().any(|line| line.starts_with(word)) {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("weir ended before it said {word}: {status}");
            }
            assert!(begun.elapsed() < patience, "weir did not say {word} within {patience:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn finish(&mut self, patience: Duration) -> Finished {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() };
            }
            assert!(begun.elapsed() < patience, "weir still runs after {patience:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(self.pid(), signal);
    }

    /// Kills it: no warning, nothing saved.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Starts it again after [`Self::kill`], with logs that begin anew.
    pub fn restart(&mut self) {
        self.child = self.command.spawn();
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// The processes it started, as the kernel knows them.
    pub fn children(&self) -> Vec<Pid> {
        let pid = self.pid();
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        lists
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .map(Pid::from_raw)
            .collect()
    }

    /// Standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// Standard error so far; also Envoy's log.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.command.path(name)).unwrap_or_default()).into_owned()
    }

    fn show(&mut self) {
        if std::mem::replace(&mut self.shown, true) {
            return;
        }
        for (name, text) in [("stdout", self.stdout()), ("stderr", self.stderr())] {
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default();
            eprintln!(
                "--- {name} of {} {}\n{}",
                self.command.program.display(),
                self.command.arguments.join(" "),
                last.join("\n")
            );
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        }
        if !self.child.try_wait().is_ok_and(|status| status.is_none()) {
            return;
        }
        self.signal(Signal::SIGTERM);
        let pid = self.pid();
        let (ended, end) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            if end.recv_timeout(GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        let _ = self.child.wait();
        drop(ended);
        let _ = watchdog.join();
    }
}

fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}
