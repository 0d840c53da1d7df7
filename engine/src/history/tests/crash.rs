//! A process that dies at any write leaves work tree, index and branches as before or as after, and the next run goes on.

use super::*;

/// An operation to stop at each of its writes.
type Work = fn(&Repository, &Context) -> Result<(), HistoryError>;

/// Stops the work before each of its writes, recovers, and does it again.
fn check(name: &str, start: &Lab, work: Work) {
    let whole = start.copy();
    work(&whole.repository(), &whole.context).unwrap();
    let (before, after) = (start.state(), whole.state());
    assert_ne!(before, after, "{name}");
    let mut limit = 0;
    loop {
        let lab = start.copy();
        let repository = lab.repository();
        repository.writes.set((0, limit));
        match work(&repository, &lab.context) {
            Ok(()) => break,
            Err(HistoryError::Stopped(count)) => assert_eq!(count, limit, "{name}"),
            Err(error) => panic!("{name} after {limit} writes: {error:?}"),
        }
        // The recovery dies at each of its writes, too.
        let mut recovering = 0;
        loop {
            let repository = lab.repository();
            repository.writes.set((0, recovering));
            match repository.recover(&lab.context) {
                Ok(_) => break,
                Err(HistoryError::Stopped(_)) => recovering += 1,
                Err(error) => panic!("{name} after {limit} and {recovering} writes: {error:?}"),
            }
        }
        let state = lab.state();
        assert!(state == before || state == after, "{name} after {limit} writes: {state:#?}\nbefore: {before:#?}");
        assert_eq!(lab.git(&["fsck", "--no-dangling", "--no-progress"]), "", "{name} after {limit} writes");
        if state == before {
            work(&lab.repository(), &lab.context).unwrap();
            assert_eq!(lab.state(), after, "{name} after {limit} writes");
        }
        assert_eq!(lab.repository().recover(&lab.context).unwrap(), [], "{name} after {limit} writes");
        limit += 1;
    }
    assert!(limit > 10, "{name}: the writes are counted: {limit}");
}

fn second(repository: &Repository, context: &Context) -> Result<(), HistoryError> {
    sync(repository, SECOND, Target::CurrentBranch, context).map(drop)
}

#[test]
fn the_first_sync_of_a_branch_without_a_commit() {
    if no_git() {
        return;
    }
    let work: Work = |repository, context| sync(repository, FIRST, Target::CurrentBranch, context).map(drop);
    let lab = Lab::unborn("pve");
    lab.write("README.md", "mine\n");
    lab.git(&["add", "README.md"]);
    check("unborn", &lab, work);
    check("first", &Lab::new("pve"), work);
}

#[test]
fn a_sync_that_changes_adds_and_removes() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("pve") };
        lab.sync(FIRST).unwrap();
        lab.write("other/main.tf", "# not committed\n");
        check(program, &lab, second);
    }
}

#[test]
fn a_sync_with_a_conflict() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        check(program, &conflicts::disputed(program), |repository, context| {
            conflicts::conflicting(repository, context).map(drop)
        });
    }
}

#[test]
fn a_sync_with_hooks_that_stage() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    let stages = "#!/bin/sh\nprintf '# checked\\n' >> pve/terraform/vms.tf\ngit add pve/terraform/vms.tf\n";
    lab.script(".git/hooks/pre-merge-commit", stages);
    // After a crash in a hook, nobody knows whether the hook or a person has edited the file: it stays. The rest goes back.
    let repository = lab.repository();
    repository.writes.set((0, usize::MAX));
    let whole = lab.copy();
    second(&whole.repository(), &whole.context).unwrap();
    assert_eq!(whole.read("terraform/vms.tf").unwrap(), "# web\nmemory = 8192\n# checked\n");
    let mut edited = 0;
    for limit in 0.. {
        let lab = lab.copy();
        let repository = lab.repository();
        repository.writes.set((0, limit));
        if second(&repository, &lab.context).is_ok() {
            break;
        }
        let notices = lab.repository().recover(&lab.context).unwrap();
        let edit = HistoryNotice::EditedSince { paths: vec!["pve/terraform/vms.tf".to_owned()] };
        if notices.contains(&edit) {
            edited += 1;
            assert_eq!(lab.git(&["status", "--porcelain"]), " M pve/terraform/vms.tf");
            lab.git(&["checkout", "-q", "pve"]);
        }
        if lab.git(&["log", "-1", "--format=%s"]) != "Merge the cluster" || lab.read("terraform/pools.tf").is_some() {
            second(&lab.repository(), &lab.context).unwrap();
        }
        assert_eq!(lab.state(), whole.state(), "after {limit} writes");
    }
    assert!(edited > 0, "a crash after the hook is among them");
}

#[test]
fn a_sync_with_changes_set_aside() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    lab.write("other/main.tf", "# not committed\n");
    lab.write("pve/proxmox-mpc.toml", "# staged\n");
    lab.git(&["add", "pve/proxmox-mpc.toml"]);
    check("autostash", &lab, |repository, context| {
        repository.autostash(TIME, context)?;
        second(repository, context)?;
        repository.unstash(context).map(drop)
    });
}

#[test]
fn what_a_person_did_after_the_crash_stays() {
    if no_git() {
        return;
    }
    let start = Lab::new("pve");
    start.sync(FIRST).unwrap();
    let mut seen = 0;
    for limit in 0..40 {
        let lab = start.copy();
        let repository = lab.repository();
        repository.writes.set((0, limit));
        if second(&repository, &lab.context).is_ok() {
            break;
        }
        lab.write("pve/terraform/vms.tf", "# mine\n");
        lab.repository().recover(&lab.context).unwrap();
        assert_eq!(lab.read("terraform/vms.tf").as_deref(), Some("# mine\n"), "after {limit} writes");
        assert_eq!(lab.git(&["status", "--porcelain"]).trim(), "M pve/terraform/vms.tf", "after {limit} writes");
        seen += 1;
    }
    assert!(seen > 10);
}
