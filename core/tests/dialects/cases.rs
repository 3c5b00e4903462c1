//! The files of a folder, and what is expected beside them.

use expect_test::expect_file;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of golden files of that name.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// All cases of a folder: names without a dot before `ending`, so that expectations are not among them.
pub(crate) fn cases(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            (!name.contains('.')).then(|| (name, fs::read_to_string(path).unwrap()))
        })
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

/// Compares with the file of that name, or writes it.
pub(crate) fn expect(folder: &Path, name: &str, actual: &str) {
    expect_file![folder.join(name)].assert_eq(actual);
}
