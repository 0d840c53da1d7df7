//! The generated branch: its commits, its guards, its log.

use super::*;

#[test]
fn generated_commits_follow_each_other_and_hold_the_workspace_alone() {
    if no_git() {
        return;
    }
    let lab = Lab::new("infra/pve");
    let repository = lab.repository();
    assert_eq!((repository.prefix(), repository.root()), ("infra/pve", lab.root.as_path()));
    let branch = DEFAULT_BRANCH;
    assert_eq!(repository.generated(branch).unwrap(), None);
    let first = repository.write_generated(branch, &files(FIRST), "first", TIME, None).unwrap();
    assert_eq!(repository.generated(branch).unwrap(), None, "no branch is moved");
    repository.advance(branch, None, first.id).unwrap();
    assert_eq!(repository.generated(branch).unwrap(), Some(first));
    assert_eq!(repository.files(first.id).unwrap(), files(FIRST));
    assert_eq!(repository.base(branch, first.id).unwrap(), None);
    let same = repository.write_generated(branch, &files(FIRST), "same", TIME + 1, Some(first.id)).unwrap();
    assert_eq!(same, first, "nothing changed, nothing is committed");
    let second = repository.write_generated(branch, &files(SECOND), "second\n\nbody", TIME + 2, Some(first.id)).unwrap();
    repository.advance(branch, Some(first.id), second.id).unwrap();
    assert_eq!(repository.files(second.id).unwrap(), files(SECOND));
    assert_eq!(lab.git(&["fsck", "--no-dangling", "--no-progress"]), "");
    assert_eq!(
        lab.git(&["log", "--format=%s|%an|%P|%(trailers)", branch]).lines().filter(|l| !l.is_empty()).collect::<Vec<_>>(),
        [
            format!("second|Alice|{}|Proxmox-MPC-Workspace: infra/pve", first.id),
            "first|Alice||Proxmox-MPC-Workspace: infra/pve".to_owned()
        ]
    );
    assert_eq!(
        lab.git(&["ls-tree", "-r", "--name-only", branch]).lines().collect::<Vec<_>>(),
        SECOND.iter().map(|(path, _)| format!("infra/pve/{path}")).collect::<Vec<_>>()
    );
    // Parts of it.
    let below = repository.files_below(second.id, "observed").unwrap();
    assert_eq!(below, files(&SECOND[1..2]));
    assert_eq!(repository.file(second.id, "manifest.json").unwrap().as_deref(), Some("{}\n"));
    assert_eq!(repository.file(second.id, "missing").unwrap(), None);
    let changes = repository.tree_diff(Some(first.id), second.id).unwrap();
    let changes: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.old.is_some(), c.new.is_some())).collect();
    assert_eq!(
        changes,
        [
            ("observed/qemu/101.json", true, true),
            ("terraform/nodes/pve.tf", false, true),
            ("terraform/pools.tf", true, false),
            ("terraform/vms.tf", true, true)
        ]
    );
}

#[test]
fn a_branch_that_is_not_ours_to_move_is_refused() {
    if no_git() {
        return;
    }
    let lab = Lab::new("");
    lab.sync(FIRST).unwrap();
    let repository = lab.repository();
    let tip = repository.generated(DEFAULT_BRANCH).unwrap().unwrap();
    let next = repository.write_generated(DEFAULT_BRANCH, &files(SECOND), "next", TIME, Some(tip.id)).unwrap();
    let refused = |result: Result<(), HistoryError>, expected: &str| {
        let error = result.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    };
    refused(repository.advance(DEFAULT_BRANCH, None, next.id), "Moved");
    refused(repository.advance(DEFAULT_BRANCH, Some(next.id), next.id), "Moved");
    let stale = repository.write_generated(DEFAULT_BRANCH, &files(SECOND), "next", TIME, None);
    refused(stale.map(drop), "Moved");
    refused(repository.advance("..", None, next.id), "BranchName");
    fs::create_dir(lab.root.join("second")).unwrap();
    let other = Repository::discover(&Workspace::at(lab.root.join("second"))).unwrap().unwrap();
    refused(other.generated(DEFAULT_BRANCH).map(drop), "OtherWorkspace");
    lab.git(&["worktree", "add", "-q", "../linked", DEFAULT_BRANCH]);
    refused(repository.advance(DEFAULT_BRANCH, Some(tip.id), next.id), "CheckedOut");
    assert!(lab.sync(SECOND).is_err());
    lab.git(&["worktree", "remove", "--force", "../linked"]);
    lab.git(&["checkout", "-q", DEFAULT_BRANCH]);
    refused(repository.advance(DEFAULT_BRANCH, Some(tip.id), next.id), "CheckedOut");
    lab.git(&["commit", "-q", "--allow-empty", "-m", "a person's"]);
    refused(repository.generated(DEFAULT_BRANCH).map(drop), "ForeignCommit");
}

#[test]
fn the_log_is_the_history_of_an_object() {
    if no_git() {
        return;
    }
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    lab.sync(SECOND).unwrap();
    lab.git(&["commit", "-q", "--allow-empty", "-m", "later"]);
    let repository = lab.repository();
    let log = |path, since| repository.log(DEFAULT_BRANCH, path, since).unwrap().len();
    assert_eq!(log(None, None), 2);
    assert_eq!(log(Some("observed/qemu/101.json"), None), 2);
    assert_eq!(log(Some("terraform/pools.tf"), None), 2);
    assert_eq!(log(Some("manifest.json"), None), 1);
    assert_eq!(log(Some("observed/qemu/102.json"), None), 0);
    assert_eq!(log(None, Some(TIME + 1)), 1);
    let newest = &repository.log(DEFAULT_BRANCH, None, None).unwrap()[0];
    assert_eq!((newest.subject.as_str(), newest.body.as_str()), ("cluster: changed", ""));
    assert_eq!(newest.trailers, [(WORKSPACE_TRAILER.to_owned(), "pve".to_owned())]);
    let first = lab.git(&["rev-parse", &format!("{DEFAULT_BRANCH}~1")]);
    let second = lab.git(&["rev-parse", DEFAULT_BRANCH]);
    let check = |text: &str, expected: Option<&str>| {
        let commit = repository.resolve(DEFAULT_BRANCH, text, TIME + 86_400 * 3);
        assert_eq!(commit.ok().flatten().map(|commit| commit.to_string()).as_deref(), expected, "{text}");
    };
    check("HEAD", Some(&second));
    check("HEAD~1", Some(&second));
    check("HEAD~2", Some(&first));
    check("HEAD~3", None); // Before the first sync.
    check(&first[..10], Some(&first));
    check(&format!("{DEFAULT_BRANCH}~1"), Some(&first));
    check("2026-11-23", Some(&first));
    check("2026-11-24", Some(&second));
    check("@{yesterday}", Some(&second));
    check("60 hours ago", Some(&first));
    check("2026-11-22", None);
    check("nonsense", None);
}

#[test]
fn without_a_name_of_the_person_commits_are_ours() {
    if no_git() {
        return;
    }
    let lab = Lab::new("");
    lab.git(&["config", "--unset", "user.name"]);
    lab.git(&["config", "--unset", "user.email"]);
    let repository = lab.repository();
    let config = git2::Config::open(&lab.root.join(".git/config")).unwrap();
    repository.git.set_config(&config).unwrap(); // Without the configuration of whoever runs the tests.
    let merged = sync(&repository, FIRST, Target::CurrentBranch, &lab.context).unwrap();
    assert_eq!(merged.notices, [HistoryNotice::NoIdentity]);
    assert_eq!(lab.git(&["log", "-1", "--format=%an <%ae>"]), "Proxmox-MPC <proxmox-mpc@localhost>");
}
