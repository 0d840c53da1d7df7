//! Golden files: every generated file of every fixture is a snapshot, so that a change of any line shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;

use crate::support;
use crate::support::clusters::{FIXTURES, fixture, generated, place};
use crate::support::program::{PROGRAM, ran_in};

/// A test for each fixture, so that one change shows in all of them at once.
macro_rules! goldens {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_golden_has_its_file() {
            let names: BTreeSet<&str> = [$($name),*].into();
            assert_eq!(names, FIXTURES.iter().map(|(name, _)| *name).collect());
            all_are_wanted();
        }
    };
}

goldens! {
    pve: "pve-9.1",
    pve_nine_two: "pve-9.2",
    homelab: "homelab",
    homelab_auditor: "homelab-auditor",
    odd_corners: "odd-corners",
}

/// `golden-homelab-terraform-pools.tf`
fn snapshot(name: &str, path: &str) -> String {
    format!("golden-{name}-{}", path.replace('/', "-"))
}

fn check(name: &str) {
    let made = generated(&fixture(name));
    for (path, text) in &made.files {
        support::snapshot(&snapshot(name, path), text);
    }
    support::snapshot(&snapshot(name, "manifest.json"), &made.manifest.render());
}

/// A file that is no longer generated leaves no snapshot behind.
fn all_are_wanted() {
    let mut wanted = BTreeSet::new();
    for (name, _) in FIXTURES {
        let files = generated(&fixture(name)).files;
        wanted.extend(files.keys().map(String::as_str).chain(["manifest.json"]).map(|path| snapshot(name, path)));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there = names.filter_map(|name| name.strip_suffix(".snap").map(str::to_owned));
    assert_eq!(there.filter(|name| name.starts_with("golden-")).collect::<BTreeSet<_>>(), wanted);
}

/// The output of an import, from its first line to its last.
#[test]
fn the_screens_of_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let recording = place("pve-9.1.tar.zst");
    let from = ["import", "--from", recording.to_str().unwrap(), "--out", "lab"];
    let screen = |more: &[&str]| {
        let ran = ran_in(Invocation::new(PROGRAM).folder(folder.path()), &[&from, more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        format!("{}--- standard error\n{}", ran.output, ran.errors)
    };
    support::snapshot("import_dry_run", &screen(&["--dry-run"]));
    support::snapshot("import", &screen(&[]));
    support::snapshot("import_again", &screen(&["--only", "kind=pool"]));
}
