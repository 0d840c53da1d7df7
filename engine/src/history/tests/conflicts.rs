//! Conflicts, which a person resolves or aborts with git's own commands.

use super::*;

/// The second sync, with a conflict around the memory.
pub(super) fn conflicting(repository: &Repository, context: &Context) -> Result<Merged, HistoryError> {
    let tip = repository.generated(DEFAULT_BRANCH)?.map(|tip| tip.id);
    let theirs = files(SECOND);
    let generated = repository.write_generated(DEFAULT_BRANCH, &theirs, "changed", TIME + 86_400, tip)?.id;
    let base = repository.base(DEFAULT_BRANCH, generated)?;
    let mut merged = merged_files(repository, base, &theirs)?;
    merged.remove("terraform/vms.tf");
    let conflict = FileConflict {
        path: "terraform/vms.tf".to_owned(),
        base: Some(FIRST[3].1.to_owned()),
        ours: Some("# web\nmemory = 6144\n".to_owned()),
        theirs: Some(SECOND[3].1.to_owned()),
        text: Some(MARKERS.to_owned()),
    };
    let merge = MergeCommit {
        files: merged,
        conflicts: vec![conflict],
        branch: DEFAULT_BRANCH.to_owned(),
        tip,
        generated,
        message: "Merge the cluster".to_owned(),
        time: TIME + 86_400,
        target: Target::CurrentBranch,
        verify: true,
    };
    repository.merge(&merge, context)
}

const MARKERS: &str = "# web\n<<<<<<< mine\nmemory = 6144\n=======\nmemory = 8192\n>>>>>>> cluster\n";

/// A laboratory whose person has another memory than the cluster.
pub(super) fn disputed(program: &'static str) -> Lab {
    let lab = Lab { program, ..Lab::new("pve") };
    lab.sync(FIRST).unwrap();
    lab.write("pve/terraform/vms.tf", "# web\nmemory = 6144\n");
    lab.git(&["commit", "-qam", "more memory"]);
    lab
}

#[test]
fn a_conflict_is_resolved_by_a_commit_or_aborted() {
    if no_git() {
        return;
    }
    for (program, aborts) in [("git", true), ("git", false), (NO_GIT, true), (NO_GIT, false)] {
        let lab = disputed(program);
        let mut before = lab.state();
        let head = lab.git(&["rev-parse", "HEAD"]);
        let merged = conflicting(&lab.repository(), &lab.context).unwrap();
        assert_eq!((merged.commit, merged.conflicts), (None, vec!["terraform/vms.tf".to_owned()]));
        let status = lab.git(&["status", "--porcelain"]);
        assert_eq!(status, "A  pve/terraform/nodes/pve.tf\nD  pve/terraform/pools.tf\nUU pve/terraform/vms.tf");
        assert_eq!(lab.read("terraform/vms.tf").as_deref(), Some(MARKERS));
        assert_eq!(lab.git(&["show", ":2:pve/terraform/vms.tf"]), "# web\nmemory = 6144");
        assert!(lab.git(&["status"]).contains("both modified:   pve/terraform/vms.tf"));
        let error = lab.sync(SECOND).unwrap_err();
        assert!(matches!(error, HistoryError::UnderWay { operation: Operation::Merge }), "{error:?}");
        assert_eq!(lab.repository().recover(&lab.context).unwrap(), [], "nothing was interrupted");

        if aborts {
            lab.git(&["merge", "--abort"]);
            let mut after = lab.state();
            before.remove("git for-each-ref");
            after.remove("git for-each-ref");
            assert_eq!(after, before, "the generated branch is ahead, all else as before");
            let tip = lab.repository().generated(DEFAULT_BRANCH).unwrap().unwrap().id;
            let base = lab.repository().base(DEFAULT_BRANCH, tip).unwrap().unwrap();
            assert_ne!(base.id, tip, "the next sync merges it again");
            continue;
        }
        assert!(!lab.try_git(&["commit", "-qm", "not yet"]).0, "git keeps unresolved conflicts out");
        lab.write("pve/terraform/vms.tf", "# web\nmemory = 7168\n");
        lab.git(&["add", "pve/terraform/vms.tf"]);
        lab.git(&["commit", "-q", "--no-edit"]);
        lab.check_merged(&head);
        assert_eq!(lab.git(&["log", "-1", "--format=%B"]), "Merge the cluster");
    }
}

#[test]
fn of_two_syncs_at_once_the_slower_changes_nothing() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    let (slow, fast) = (lab.repository(), lab.repository());
    let tip = slow.generated(DEFAULT_BRANCH).unwrap().map(|tip| tip.id);
    let generated = slow.write_generated(DEFAULT_BRANCH, &files(SECOND), "slow", TIME + 9, tip).unwrap().id;
    sync(&fast, SECOND, Target::CurrentBranch, &lab.context).unwrap();
    let before = lab.state();
    let merge = MergeCommit {
        files: BTreeMap::from([("terraform/vms.tf".to_owned(), Some("# slow\n".to_owned()))]),
        conflicts: Vec::new(),
        branch: DEFAULT_BRANCH.to_owned(),
        tip,
        generated,
        message: "slow".to_owned(),
        time: TIME,
        target: Target::CurrentBranch,
        verify: true,
    };
    assert!(matches!(slow.merge(&merge, &lab.context), Err(HistoryError::Moved { .. })));
    assert_eq!(lab.state(), before);
    // Another git works on the index.
    lab.write(".git/index.lock", "");
    assert!(matches!(lab.sync(FIRST), Err(HistoryError::Locked { .. })));
    assert_eq!(fs::read_to_string(lab.root.join(".git/index.lock")).unwrap(), "");
    fs::remove_file(lab.root.join(".git/index.lock")).unwrap();
    assert_eq!(lab.state(), before);
}
