//! Kill of a sync while it writes: the next command finds the repository as before or as after, and the next sync finishes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_model::Identity;

use super::{GENERATED, Lab, MACHINES, move_out, with_memory};
use crate::support::clusters::without;
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::workspaces::edit;

/// Runs its arguments, and kills them some time after the journal of the merge is there. Programs that were started come to
/// their end, as they do where only their parent is killed.
const KILLING: &str = "\
\"$@\" & sync=$!
while [ ! -e \"$JOURNAL\" ] && kill -0 $sync 2>/dev/null; do :; done
[ \"$DELAY\" = 0.000 ] || sleep \"$DELAY\"
kill -KILL $sync 2>/dev/null
wait $sync
code=$?
sleep 0.1
exit $code
";

impl Lab {
    fn copy(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap(), workspace: self.workspace };
        let program = Invocation::new("cp").arg("-a").arg(self.root()).arg(copy.root());
        assert_eq!(ran_in(program, &[]).code, Some(0));
        copy
    }

    /// Trees of HEAD and the generated branch, the number of HEAD's parents, what is not committed, and a file.
    fn state(&self) -> [String; 5] {
        let trees = ["HEAD^{tree}", &format!("{GENERATED}^{{tree}}")].map(|revision| self.id(revision));
        let [head, generated] = trees;
        let parents = self.parents("HEAD").len().to_string();
        [head, generated, parents, self.git(&["status", "--porcelain"]), self.text(MACHINES)]
    }

    fn killed(&self, recording: &Path, milliseconds: u32) -> Ran {
        let journal = self.workspace().join(".proxmox-mpc/merge.json").display().to_string();
        let delay = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        let program = Invocation::new("/bin/sh").env("JOURNAL", journal).env("DELAY", delay);
        self.sync_with(program.arg("-c").arg(KILLING).arg("sh").arg(PROGRAM), recording, &[])
    }
}

/// Kills a sync at these moments, in milliseconds since it began to write. `code` is the one of a sync that nobody kills. Returns
/// the number of syncs that were killed between their first and their last write.
fn check(start: &Lab, code: i32, moments: &[u32]) -> usize {
    let recording = start.recorded(&with_memory(6144));
    let gone = [Identity::new("qemu", "101"), Identity::new("lxc", "201"), Identity::new("lxc", "202")];
    let refused = start.recorded(&gone.iter().fold(with_memory(6144), |cluster, guest| without(&cluster, guest)));
    let sync = |lab: &Lab, recording: &Path| lab.sync_with(Invocation::new(PROGRAM), recording, &["--wait"]);
    let whole = start.copy();
    assert_eq!(sync(&whole, &recording).code, Some(code));
    let (before, after) = (start.state(), whole.state());
    assert_ne!(before, after);
    let mut unfinished = 0;
    for moment in moments {
        let lab = start.copy();
        let ran = lab.killed(&recording, *moment);
        assert!([Some(137), Some(code)].contains(&ran.code), "{:?} {}", ran.code, ran.errors);
        unfinished += usize::from(lab.workspace().join(".proxmox-mpc/merge.json").exists());
        lab.git(&["fsck", "--strict"]);
        // This one cleans up behind the killed one, and goes no further.
        let ran = sync(&lab, &refused);
        assert_eq!(ran.code, Some(1), "after {moment} ms: {}", ran.output);
        let state = lab.state();
        assert!(
            state == before || state == after,
            "after {moment} ms: {state:?}\nbefore: {before:?}\nafter: {after:?}"
        );
        if state == before {
            let ran = sync(&lab, &recording);
            assert_eq!(ran.code, Some(code), "after {moment} ms: {}{}", ran.output, ran.errors);
            assert_eq!(lab.state(), after, "after {moment} ms");
        }
        lab.git(&["fsck", "--strict"]);
    }
    unfinished
}

/// A hook makes the time between two of the writes long enough to be hit.
#[test]
fn a_killed_merge_is_undone_or_finished() {
    let lab = Lab::synced();
    move_out(&lab);
    let hook = lab.root().join(".git/hooks/pre-merge-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\nsleep 0.08\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let unfinished = check(&lab, 0, &[0, 2, 5, 20, 90, 120]);
    assert!(unfinished > 0);
}

#[test]
fn a_killed_merge_with_conflicts_is_undone_or_finished() {
    let lab = Lab::synced();
    edit(&lab.workspace(), MACHINES, &[("dedicated = 4096", "dedicated = 5000")]);
    lab.commit("more memory");
    check(&lab, 3, &[0, 2, 5]);
}
