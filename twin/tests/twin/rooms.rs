//! Order of the rooms: each room of the twin uses those below it, and none above.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up.
const ROOMS: [&str; 5] = ["call", "state", "rights", "writes", "server"];

#[test]
fn no_room_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upward = Vec::new();
    for (floor, room) in ROOMS.iter().enumerate() {
        let files = files(&source.join(room));
        assert!(!files.is_empty(), "{room} has no files");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for above in &ROOMS[floor + 1..] {
                let uses = |line: &&str| line.contains(&format!("crate::{above}"));
                let lines = text.lines().filter(uses);
                upward.extend(lines.map(|line| format!("{}: {}", file.display(), line.trim())));
            }
        }
    }
    assert!(upward.is_empty(), "these lines use a room above their own:\n{}", upward.join("\n"));
}

/// The Rust files of a folder and of the folders below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
