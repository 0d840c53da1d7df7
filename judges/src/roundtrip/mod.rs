//! `roundtrip`: builds a cluster anew from its code, and compares imports of both.

mod comparison;
mod edits;
mod rebuild;
mod rules;
mod workspace;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::tools::{Missing, Tool};
use crate::{JudgeError, Lines, Verdict, fixtures, programs, terraform};
use comparison::{Differing, differences};
use rebuild::Rebuild;
use rules::Rules;
use workspace::Program;

/// Build clusters anew from their code, and compare imports of both
///
/// A recording is imported; the code is applied to an empty twin of it (`twin serve --empty`) as docs/rebuild.md says, with the
/// real Terraform, provider and Ansible, and a placeholder for each secret; then the twin is imported. Each object with code in
/// the first import is equal, different or missing in the second one. fixtures/rebuilding.json has the known reasons for
/// differences, fixtures/rebuilt.json the number of equal objects that must be reached.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Recordings: folders, .tar.zst files or names of fixtures; those of fixtures/rebuilt.json otherwise
    #[arg(value_name = "RECORDING")]
    pub recordings: Vec<String>,
    /// The program whose code is judged; the one beside this program otherwise
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Keep the code, the state and the output of all programs in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Comparison of one cluster with the one that was built from its code.
#[derive(Debug, Serialize)]
struct Compared {
    recording: String,
    equal: usize,
    different: usize,
    missing: usize,
    floor: usize,
    /// Changes of the code that any cluster would refuse, made before it was applied.
    mended: Vec<String>,
    /// Objects that are different or missing.
    objects: Vec<Differing>,
    /// Objects that only the second import has.
    new: Vec<String>,
    /// Errors of Terraform and Ansible that have no known reason.
    failed: Vec<String>,
}

impl Compared {
    /// True if every difference has a known reason, and enough objects are equal.
    fn passed(&self) -> bool {
        let is_known = self.objects.iter().all(|object| object.reason.is_some());
        is_known && self.new.is_empty() && self.failed.is_empty() && self.equal >= self.floor
    }

    fn print(&self, lines: &mut Lines<'_>) {
        for mended in &self.mended {
            lines(&format!("  refused by any cluster, and changed before: {mended}"));
        }
        for object in &self.objects {
            let word = if object.lines.is_none() { "missing" } else { "different" };
            let reason = object.reason.as_deref().unwrap_or("no known reason");
            lines(&format!("  {word}  {}: {reason}", object.object));
            for line in object.lines.iter().flatten().filter(|_| object.reason.is_none()) {
                lines(&format!("      {line}"));
            }
        }
        for object in &self.new {
            lines(&format!("  new  {object}"));
        }
        for error in &self.failed {
            lines(&format!("  failed  {error}"));
        }
        let Self { recording, equal, different, missing, floor, .. } = self;
        let total = equal + different + missing;
        let floor = match floor {
            _ if equal < floor => format!(", below its floor of {floor}"),
            0 => String::new(),
            _ => format!(", floor {floor}"),
        };
        lines(&format!(
            "{recording}: {equal} equal, {different} different, {missing} missing, of {total} objects{floor}"
        ));
    }
}

impl Arguments {
    /// Builds the clusters anew and prints the differences.
    pub fn run(&self, lines: &mut Lines<'_>) -> Result<Verdict, JudgeError> {
        let (terraform, playbook) = match tools() {
            Ok(tools) => tools,
            Err(missing) => return Ok(Verdict::Skipped(missing)),
        };
        let program = Program(self.program()?);
        let scratch = tempfile::tempdir().map_err(JudgeError::file(Path::new("a temporary folder")))?;
        let keep = self.keep.clone().unwrap_or_else(|| scratch.path().to_owned());
        let keep = std::path::absolute(&keep).map_err(JudgeError::file(&keep))?;
        let rules = Rules::read()?;
        let floors: BTreeMap<String, usize> = fixtures::table("rebuilt.json")?;
        let names = if self.recordings.is_empty() { floors.keys().cloned().collect() } else { self.recordings.clone() };
        let mut all = Vec::new();
        for name in names {
            let recording = located(&name)?;
            let folder = keep.join(short_name(&recording));
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(JudgeError::file(&folder))?;
            }
            fs::create_dir_all(&folder).map_err(JudgeError::file(&folder))?;
            let rebuild = Rebuild { program: &program, terraform: &terraform, playbook: &playbook, folder: &folder };
            let floor = floors.get(&name).copied().unwrap_or_default();
            let compared = match compare(&name, &recording, floor, &rebuild, &rules)? {
                Ok(compared) => compared,
                Err(missing) => return Ok(Verdict::Skipped(missing)),
            };
            compared.print(lines);
            all.push(compared);
        }
        let passed = all.iter().all(Compared::passed);
        Ok(Verdict::Judged { passed, report: json!({ "passed": passed, "clusters": all }) })
    }

    /// The program that is judged.
    fn program(&self) -> Result<PathBuf, JudgeError> {
        let beside = || std::env::current_exe().ok().map(|judge| judge.with_file_name("proxmox-mpc"));
        let program = self.binary.clone().or_else(beside).unwrap_or_default();
        let program = std::path::absolute(&program).map_err(JudgeError::file(&program))?;
        if program.is_file() {
            return Ok(program);
        }
        Err(JudgeError::Usage(format!("`{}` does not exist; `cargo build` makes it", program.display())))
    }
}

/// Terraform and `ansible-playbook`.
fn tools() -> Result<(PathBuf, PathBuf), Missing> {
    let terraform = terraform::find()?;
    let playbook = programs::of_ansible("ansible-playbook");
    let missing = || Missing::new(Tool::Ansible, "ansible-playbook is not installed");
    Ok((terraform, playbook.ok_or_else(missing)?))
}

/// The path of a recording, or of the fixture that has this name.
fn located(name: &str) -> Result<PathBuf, JudgeError> {
    let places = [fixtures::path(&format!("{name}.tar.zst")), fixtures::path(name), PathBuf::from(name)];
    let found = places.into_iter().find(|place| place.exists());
    let found = found.ok_or_else(|| JudgeError::Usage(format!("`{name}` is neither a fixture nor a recording")))?;
    std::path::absolute(&found).map_err(JudgeError::file(&found))
}

/// The name of a recording without `.tar.zst`.
fn short_name(recording: &Path) -> String {
    let name = recording.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".tar.zst").unwrap_or(&name).to_owned()
}

/// Builds one cluster anew and compares it.
fn compare(
    name: &str,
    recording: &Path,
    floor: usize,
    rebuild: &Rebuild<'_>,
    rules: &Rules,
) -> Result<Result<Compared, Missing>, JudgeError> {
    let mut before = rebuild.import("before", &["--from".to_owned(), recording.display().to_string()])?;
    let mended = edits::mend(&mut before, rules)?;
    let (errors, after) = match rebuild.run(recording, &before)? {
        Ok(done) => done,
        Err(missing) => return Ok(Err(missing)),
    };
    let objects = differences(&before.code, &after.code, rules);
    let missing = objects.iter().filter(|object| object.lines.is_none()).count();
    let new = after.code.keys().filter(|object| !before.code.contains_key(*object)).cloned().collect();
    Ok(Ok(Compared {
        recording: name.to_owned(),
        equal: before.code.len() - objects.len(),
        different: objects.len() - missing,
        missing,
        floor,
        mended,
        objects,
        new,
        failed: errors.into_iter().filter(|error| !rules.excuse(error)).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(equal: usize, floor: usize, objects: Vec<Differing>) -> Compared {
        let missing = objects.iter().filter(|object| object.lines.is_none()).count();
        Compared {
            recording: "lab".to_owned(),
            equal,
            different: objects.len() - missing,
            missing,
            floor,
            mended: Vec::new(),
            objects,
            new: Vec::new(),
            failed: Vec::new(),
        }
    }

    #[test]
    fn a_cluster_passes_with_reasons_and_at_its_floor() {
        let differing = |lines: Option<&str>, reason: Option<&str>| Differing {
            object: "qemu/100".to_owned(),
            lines: lines.map(|line| vec![line.to_owned()]),
            reason: reason.map(str::to_owned),
        };
        let check = |compared: &Compared, passed: bool, expected: &[&str]| {
            let mut printed = Vec::new();
            compared.print(&mut |line| printed.push(line.to_owned()));
            assert_eq!(
                (compared.passed(), printed),
                (passed, expected.iter().map(|line| (*line).to_owned()).collect())
            );
        };
        check(&compared(9, 0, vec![]), true, &["lab: 9 equal, 0 different, 0 missing, of 9 objects"]);
        check(&compared(9, 9, vec![]), true, &["lab: 9 equal, 0 different, 0 missing, of 9 objects, floor 9"]);
        let low = "lab: 9 equal, 0 different, 0 missing, of 9 objects, below its floor of 10";
        check(&compared(9, 10, vec![]), false, &[low]);
        check(
            &compared(8, 0, vec![differing(Some("- a"), Some("known"))]),
            true,
            &["  different  qemu/100: known", "lab: 8 equal, 1 different, 0 missing, of 9 objects"],
        );
        check(
            &compared(8, 0, vec![differing(Some("- a"), None)]),
            false,
            &[
                "  different  qemu/100: no known reason",
                "      - a",
                "lab: 8 equal, 1 different, 0 missing, of 9 objects",
            ],
        );
        check(
            &compared(8, 0, vec![differing(None, None)]),
            false,
            &["  missing  qemu/100: no known reason", "lab: 8 equal, 0 different, 1 missing, of 9 objects"],
        );
        let failed =
            Compared { failed: vec!["no".to_owned()], new: vec!["pool/x".to_owned()], ..compared(1, 0, vec![]) };
        check(&failed, false, &["  new  pool/x", "  failed  no", "lab: 1 equal, 0 different, 0 missing, of 1 objects"]);
    }

    #[test]
    fn recordings_are_fixtures_or_paths() {
        let check = |name: &str, expected: Option<&str>| {
            let found = located(name).ok().map(|path| short_name(&path));
            assert_eq!(found.as_deref(), expected, "{name}");
        };
        check("homelab", Some("homelab"));
        check("odd-corners", Some("odd-corners"));
        check(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), Some("src"));
        check("nowhere", None);
    }
}
