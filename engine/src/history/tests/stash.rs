//! Changes set aside for a merge.

use super::*;

#[test]
fn changes_come_back_after_the_merge() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    lab.write("pve/terraform/vms.tf", "# web, the shop\nmemory = 4096\n");
    lab.write("other/main.tf", "# staged\n");
    lab.git(&["add", "other"]);
    let repository = lab.repository();
    assert!(repository.autostash(TIME, &lab.context).unwrap().is_some());
    assert_eq!(repository.dirty(&lab.context).unwrap(), []);
    assert_eq!(repository.autostash(TIME, &lab.context).unwrap(), None, "nothing is left to set aside");
    let changed: Vec<_> = SECOND.iter().copied().filter(|(path, _)| *path != "terraform/vms.tf").chain([FIRST[3]]).collect();
    lab.sync(&changed).unwrap();
    assert_eq!(repository.unstash(&lab.context).unwrap(), []);
    assert_eq!(lab.git(&["status", "--porcelain"]), "M  other/main.tf\n M pve/terraform/vms.tf");
    assert_eq!(lab.read("terraform/vms.tf").as_deref(), Some("# web, the shop\nmemory = 4096\n"));
    assert_eq!(lab.git(&["stash", "list"]), "");
    assert_eq!(repository.unstash(&lab.context).unwrap(), []);
    let without = lab.repository().with_program(NO_GIT);
    assert!(matches!(without.autostash(TIME, &lab.context), Err(HistoryError::NoProgram { .. })));
}

#[test]
fn changes_that_do_not_fit_any_more_are_kept() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    lab.write("pve/terraform/vms.tf", "# web\nmemory = 6144\n");
    let repository = lab.repository();
    let stash = repository.autostash(TIME, &lab.context).unwrap().unwrap().to_string();
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.sync(SECOND).unwrap();
    assert_eq!(repository.unstash(&lab.context).unwrap(), [HistoryNotice::StashKept { commit: stash.clone() }]);
    lab.check_merged(&before);
    assert_eq!(lab.git(&["rev-parse", "stash@{0}"]), stash);
    assert_eq!(lab.git(&["show", "stash@{0}:pve/terraform/vms.tf"]), "# web\nmemory = 6144");
}

#[test]
fn with_conflicts_git_brings_them_back() {
    if no_git() {
        return;
    }
    let lab = conflicts::disputed("git");
    lab.write("other/main.tf", "# not committed\n");
    let repository = lab.repository();
    let commit = repository.autostash(TIME, &lab.context).unwrap().unwrap().to_string();
    conflicts::conflicting(&repository, &lab.context).unwrap();
    assert_eq!(repository.unstash(&lab.context).unwrap(), [HistoryNotice::StashWaits { commit }]);
    assert_eq!(lab.git(&["stash", "list"]), "");
    let aborted = lab.copy();
    aborted.git(&["status"]); // Puts the times of the copied files into the index.
    aborted.git(&["merge", "--abort"]);
    assert_eq!(aborted.git(&["status", "--porcelain"]), " M other/main.tf");
    lab.git(&["checkout", "--theirs", "pve/terraform/vms.tf"]);
    lab.git(&["add", "pve"]);
    lab.git(&["commit", "-q", "--no-edit"]);
    assert_eq!(fs::read_to_string(lab.root.join("other/main.tf")).unwrap(), "# not committed\n");
}
