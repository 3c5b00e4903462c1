//! A real Redis on loopback, for as long as it is held. Knows only std, so that other tests can take it too.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(20);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Seven,
    Eight,
}

impl Version {
    /// `WEIR_REDIS_7` and `WEIR_REDIS_8`, or what `make redis` brought.
    fn program(self) -> PathBuf {
        let (variable, place) = match self {
            Self::Seven => ("WEIR_REDIS_7", "target/tools/redis-7/redis-server"),
            Self::Eight => ("WEIR_REDIS_8", "target/tools/redis-8/redis-server"),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let program = env::var_os(variable).map_or_else(|| root.join(place), PathBuf::from);
        assert!(program.is_file(), "{} is missing ({variable}); run: make redis", program.display());
        program
    }
}

/// A running server, or one that was killed and can be started again, on the same port and in the same folder.
pub(crate) struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// Starts one that saves nothing by itself. `arguments` come last, as on its command line.
    pub(crate) fn start(version: Version, arguments: &[&str]) -> Self {
        // A port that is free now may be taken by the time it is used, by another test.
        let program = version.program();
        let begun = Instant::now();
        loop {
            let port = free_port();
            let folder = env::temp_dir().join(format!("weir-redis-{}-{port}", std::process::id()));
            fs::create_dir_all(&folder).expect("a temporary folder");
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let child = spawn(&program, port, &folder, &arguments);
            let mut server = Self { program: program.clone(), arguments, port, folder, child };
            if server.is_up() {
                return server;
            }
            assert!(begun.elapsed() < START, "{version:?} does not start: {}", server.log());
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Dies at once, with all that it has not saved.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Starts it again after [`Self::kill`].
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.program, self.port, &self.folder, &self.arguments);
        assert!(self.is_up(), "{} does not start again: {}", self.program.display(), self.log());
    }

    /// Says a command, and returns the answer as text: a list's items in lines.
    pub(crate) fn say(&self, command: &[&str]) -> String {
        let say = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let mut message = format!("*{}\r\n", command.len());
            for word in command {
                message.push_str(&format!("${}\r\n{word}\r\n", word.len()));
            }
            stream.write_all(message.as_bytes())?;
            answer(&mut BufReader::new(stream))
        };
        say().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Whether it says so before it ends, or the time is over.
    fn is_up(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START && self.child.try_wait().expect("its state").is_none() {
            let log = self.log();
            if log.contains("Ready to accept connections") || log.contains("Sentinel ID is") {
                return true;
            }
            #[allow(clippy::disallowed_methods, reason = "a test that waits for a process")]
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Each may have been done already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody listens at, and that no connection is given by itself: a client that looks for a server which is
/// down must not find itself, or take the server's place.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process begins elsewhere.
        let number = std::process::id().wrapping_mul(97).wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + (number % 12_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn spawn(program: &Path, port: u16, folder: &Path, arguments: &[String]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("a log");
    let mut command = Command::new(program);
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let (plain, tls) = if has("--tls-cert-file") { (0, port) } else { (port, 0) };
    let mut lines = format!("bind 127.0.0.1\nport {plain}\ntls-port {tls}\n");
    if !has("--sentinel") {
        lines.push_str("save \"\"\nenable-debug-command yes\n");
    }
    // A file, since a sentinel writes what it learns into one.
    let config = folder.join("redis.conf");
    fs::write(&config, lines).expect("a file");
    command.arg(config).arg("--dir").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
    command.spawn().expect("redis-server starts")
}

fn answer(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let count = || rest.parse::<usize>().unwrap_or(0);
    match kind {
        "$" if rest == "-1" => Ok(String::new()),
        "$" => {
            let mut bytes = vec![0; count() + 2];
            stream.read_exact(&mut bytes)?;
            bytes.truncate(count());
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        "*" => Ok((0..count()).map(|_| answer(stream)).collect::<std::io::Result<Vec<_>>>()?.join("\n")),
        _ => Ok(rest.to_owned()),
    }
}
