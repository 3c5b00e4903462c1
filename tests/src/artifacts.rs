//! Where the things under test are. They are built before the tests run; none is ever skipped.

use std::env;
use std::path::{Path, PathBuf};

/// The command under test.
pub fn weir() -> PathBuf {
    named("WEIR_BIN", || target().join("release/weir"), "make build")
}

/// The module under test.
pub fn filter() -> PathBuf {
    named("WEIR_FILTER", || target().join("wasm32-wasip1/release/weir_filter.wasm"), "make wasm")
}

/// The module under test with a header that panics it.
pub fn panicking_filter() -> PathBuf {
    named("WEIR_PANICKING_FILTER", || target().join("wasm32-wasip1/debug/weir_filter.wasm"), "make wasm-panicking")
}

/// The Envoy that runs it.
pub fn envoy() -> PathBuf {
    let installed = || {
        let lib = root().join(".venv/lib");
        let pythons = std::fs::read_dir(&lib).into_iter().flatten().flatten();
        let found = pythons.map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
        found
            .into_iter()
            .find(|path| path.is_file())
            .unwrap_or_else(|| lib.join("python3/site-packages/envoy/_bin/envoy"))
    };
    named("ENVOY", installed, "make envoy")
}

/// The Python that has the official SDKs.
pub(crate) fn python() -> PathBuf {
    named("WEIR_PYTHON", || root().join(".venv/bin/python"), "make sdks")
}

/// Folder of the SDK scripts.
pub(crate) fn scripts() -> PathBuf {
    root().join("tests/sdk")
}

/// `prometheus` or `promtool`.
pub fn prometheus(program: &str) -> PathBuf {
    let folder = env::var_os("WEIR_PROMETHEUS").map_or_else(|| target().join("tools/prometheus"), PathBuf::from);
    let path = folder.join(program);
    let folder = folder.display();
    assert!(path.is_file(), "{folder} has no {program}; make prometheus (or name another folder in WEIR_PROMETHEUS)");
    path
}

/// `docker-compose`.
pub fn compose() -> PathBuf {
    named("WEIR_COMPOSE", || target().join("tools/compose/docker-compose"), "make compose")
}

/// The browser, of version 120 or newer.
pub(crate) fn chromium() -> PathBuf {
    named("CHROMIUM", || on_path("chromium").unwrap_or_else(|| "/usr/bin/chromium".into()), "make chromium")
}

/// Node, of version 20 or newer.
pub(crate) fn node() -> PathBuf {
    on_path("node").expect("there is no node on the PATH; install it with: sudo apt-get install --yes nodejs npm")
}

/// What drives the browser, with what it needs beside it.
pub(crate) fn browser_script() -> PathBuf {
    let folder = root().join("tests/ui");
    for package in ["playwright-core", "axe-core"] {
        let path = folder.join("node_modules").join(package).join("package.json");
        assert!(path.is_file(), "{} is not there; make it with: make chromium", path.display());
    }
    folder.join("status.mjs")
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

fn named(variable: &str, default: impl FnOnce() -> PathBuf, command: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(default, PathBuf::from);
    assert!(path.is_file(), "{} is not there; make it with: {command} (or name another in {variable})", path.display());
    path
}
