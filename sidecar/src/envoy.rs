//! Finding Envoy, and becoming it.

use crate::failure::{Failure, Outcome};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first version whose composite cluster replays a body that a filter changed.
const OLDEST: (u32, u32) = (1, 37);
const INSTALL: &str = "install it with: make envoy (or name one in the environment variable ENVOY)";

/// An Envoy that is new enough.
#[derive(Debug)]
pub(crate) struct Envoy {
    pub(crate) path: PathBuf,
}

/// What `exec-envoy` is called with.
#[derive(clap::Args)]
pub(crate) struct Exec {
    /// The process whose end is to be Envoy's end.
    #[arg(long)]
    parent: i32,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The Envoy that `ENVOY` names, that `PATH` holds, or that `make` put into a virtualenv of the project.
pub(crate) fn find() -> Outcome<Envoy> {
    if let Some(named) = std::env::var_os("ENVOY").filter(|named| !named.is_empty()) {
        let path =
            if Path::new(&named).components().count() == 1 { on_path(&named) } else { Some(named.clone().into()) };
        let path = path
            .filter(|path| is_program(path))
            .ok_or_else(|| Failure::Runtime(format!("ENVOY names {}, which is no program", named.to_string_lossy())))?;
        return new_enough(path);
    }
    let found = on_path("envoy".as_ref()).into_iter().chain(virtualenvs());
    let mut too_old = None;
    for path in found {
        match new_enough(path) {
            Ok(envoy) => return Ok(envoy),
            Err(failure) => too_old = too_old.or(Some(failure)),
        }
    }
    Err(too_old.unwrap_or_else(|| Failure::Runtime(format!("Envoy is not installed; {INSTALL}"))))
}

fn on_path(name: &std::ffi::OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// `.venv` in the working directory and in every folder above this executable.
fn virtualenvs() -> Vec<PathBuf> {
    let here = std::env::current_dir().ok();
    let exe = std::env::current_exe().ok();
    let roots = here.iter().map(PathBuf::as_path).chain(exe.iter().flat_map(|exe| exe.ancestors().skip(1)));
    roots
        .filter_map(|root| std::fs::read_dir(root.join(".venv/lib")).ok())
        .flat_map(|pythons| pythons.flatten().map(|python| python.path()))
        .filter(|python| python.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3")))
        .map(|python| python.join("site-packages/envoy/_bin/envoy"))
        .filter(|path| is_program(path))
        .collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Other programs are called `envoy` too, so it is asked who it is.
fn new_enough(path: PathBuf) -> Outcome<Envoy> {
    let shown = path.display();
    let output = Command::new(&path)
        .arg("--version")
        .output()
        .map_err(|error| Failure::Runtime(format!("{shown} does not run: {error}; {INSTALL}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = version(&text)
        .ok_or_else(|| Failure::Runtime(format!("{shown} does not answer --version like Envoy; {INSTALL}")))?;
    if version < OLDEST {
        let (major, minor) = version;
        let (least, least_minor) = OLDEST;
        let message = format!("{shown} is Envoy {major}.{minor}; Weir needs {least}.{least_minor} or newer; {INSTALL}");
        return Err(Failure::Runtime(message));
    }
    Ok(Envoy { path })
}

/// `envoy  version: 9e55…/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(text: &str) -> Option<(u32, u32)> {
    let number = text.split_once("version:")?.1.trim().split('/').nth(1)?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Replaces this process by Envoy, which the kernel ends when `parent` ends: a killed `up` leaves no orphan. A step of
/// its own, because a program can only ask that for itself.
pub(crate) fn exec(exec: &Exec) -> Outcome {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::{prctl, signal::Signal};
        prctl::set_pdeathsig(Signal::SIGTERM).map_err(Failure::runtime)?;
        // It may have ended before it was asked for.
        if nix::unistd::getppid().as_raw() != exec.parent {
            return Err(Failure::Runtime("the command that started Envoy is gone".to_owned()));
        }
    }
    let Some((program, arguments)) = exec.command.split_first() else {
        return Err(Failure::Config("weir: no program to become".to_owned()));
    };
    let error = Command::new(program).args(arguments).exec();
    Err(Failure::Runtime(format!("cannot start {}: {error}", program.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn only_envoy_answers_like_envoy() {
        let text = "\n/opt/envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version(text), Some((1, 40)));
        assert_eq!(version("envoy version: abc/1.37.2-dev/Modified/DEBUG/BoringSSL"), Some((1, 37)));
        assert_eq!(version("Laravel Envoy 2.9.0"), None);
        assert_eq!(version(""), None);
    }
}
