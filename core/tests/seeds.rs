//! The seeds of the fuzz targets, those that once found something above all: each runs through its target.
#![cfg(not(target_arch = "wasm32"))]

#[allow(unreachable_pub, reason = "the library of another crate")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

#[test]
fn no_seed_finds_anything() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, run) in fuzz::TARGETS {
        let seeds = fs::read_dir(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut count = 0;
        for seed in seeds {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            run(&fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 1, "{name} has {count} seeds");
    }
    let known = fs::read_dir(&folder).unwrap().count();
    assert_eq!(known, fuzz::TARGETS.len(), "a folder of seeds without a target");
}
