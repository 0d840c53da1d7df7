//! Repositories as people have them: subfolders, worktrees, submodules, sparse and shallow checkouts, line ends.

use super::*;

/// Two syncs in this laboratory: what a person has stays, and the rest is as after a `git merge`.
fn check_syncs(lab: &Lab) -> [Merged; 2] {
    [FIRST, SECOND].map(|list| {
        let before = lab.git(&["rev-parse", "HEAD"]);
        let merged = lab.sync(list).unwrap();
        assert_eq!(merged.commit.unwrap().to_string(), lab.git(&["rev-parse", "HEAD"]));
        lab.check_merged(&before);
        assert!(!lab.git(&["ls-tree", "-r", "--name-only", "HEAD"]).contains("observed"));
        for (path, text) in list.iter().filter(|(path, _)| !path.starts_with("observed/")) {
            let current = lab.read(path).map(|text| text.replace("\r\n", "\n"));
            assert_eq!(current.as_deref(), Some(*text), "{path}");
        }
        merged
    })
}

#[test]
fn in_the_root_and_in_a_subfolder() {
    if no_git() {
        return;
    }
    for (prefix, program) in [("", "git"), ("infra/pve", "git"), ("", NO_GIT), ("infra/pve", NO_GIT)] {
        let lab = Lab { program, ..Lab::new(prefix) };
        for merged in check_syncs(&lab) {
            assert_eq!(merged.notices, []);
        }
        assert_eq!(lab.read("terraform/pools.tf"), None);
        assert_eq!(fs::read_to_string(lab.root.join("other/main.tf")).unwrap(), "# mine\n");
        let setup = lab.repository().setup().unwrap();
        assert!(!(setup.worktree || setup.submodule || setup.sparse || setup.shallow || setup.ignored));
        assert!(matches!(setup.head, Head::Branch { branch, .. } if branch == "main"));
    }
}

#[test]
fn changes_beside_the_merge_stay() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("pve") };
        lab.sync(FIRST).unwrap();
        lab.write("other/main.tf", "# not committed\n");
        lab.write("pve/notes.txt", "not known\n");
        let dirty = lab.repository().dirty(&lab.context).unwrap();
        let expected = DirtyFile { path: "other/main.tf".to_owned(), inside: false, staged: false, changed: true };
        assert_eq!(dirty, [expected]);
        lab.sync(SECOND).unwrap();
        assert_eq!(lab.git(&["status", "--porcelain"]), " M other/main.tf\n?? pve/notes.txt");
        lab.git(&["add", "other/main.tf"]);
        let before = lab.state();
        assert!(matches!(lab.sync(FIRST), Err(HistoryError::Dirty { .. })), "the index would be committed");
        assert_eq!(lab.state(), before);
        lab.git(&["reset", "-q", "--hard"]);
        lab.write("pve/terraform/vms.tf", "# mine\n");
        lab.write("pve/terraform/pools.tf", "not known\n");
        let before = lab.state();
        assert!(matches!(lab.sync(FIRST), Err(HistoryError::Dirty { .. })));
        lab.git(&["checkout", "-q", "pve/terraform/vms.tf"]);
        let error = lab.sync(FIRST).unwrap_err();
        assert!(matches!(&error, HistoryError::InTheWay { paths } if paths == &["pve/terraform/pools.tf"]), "{error:?}");
        lab.write("pve/terraform/vms.tf", "# mine\n");
        assert_eq!(lab.state(), before);
    }
}

#[test]
fn a_branch_without_a_commit_begins_with_what_is_staged() {
    if no_git() {
        return;
    }
    for (program, staged) in [("git", true), ("git", false), (NO_GIT, true), (NO_GIT, false)] {
        let lab = Lab { program, ..Lab::unborn("pve") };
        if staged {
            lab.write("README.md", "mine\n");
            lab.git(&["add", "README.md"]);
        }
        lab.sync(FIRST).unwrap();
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
        let names = lab.git(&["ls-tree", "-r", "--name-only", "main"]);
        let expected = "pve/manifest.json\npve/terraform/pools.tf\npve/terraform/vms.tf";
        assert_eq!(names, if staged { format!("README.md\n{expected}") } else { expected.to_owned() });
        let generated = lab.git(&["rev-parse", DEFAULT_BRANCH]);
        assert_eq!(lab.git(&["log", "-1", "--format=%P"]), generated);
        let before = lab.git(&["rev-parse", "HEAD"]);
        lab.sync(SECOND).unwrap();
        lab.check_merged(&before);
    }
}

#[test]
fn a_detached_head_moves() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("") };
        lab.git(&["checkout", "-q", "--detach"]);
        let [merged, _] = check_syncs(&lab);
        let commit = merged.commit.unwrap().to_string();
        assert_eq!(merged.notices, [HistoryNotice::DetachedHead { commit }]);
        assert_eq!(lab.git(&["log", "-1", "--format=%s", "main"]), "mine");
    }
}

#[test]
fn in_a_linked_worktree_and_in_a_submodule() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let outer = Lab::new("");
        outer.git(&["worktree", "add", "-q", "-b", "work", "../linked"]);
        let root = outer.root.parent().unwrap().join("linked");
        let lab = Lab { root, program, ..Lab::unborn("pve") };
        assert!(lab.repository().setup().unwrap().worktree);
        check_syncs(&lab);
        assert_eq!(outer.git(&["status", "--porcelain"]), "");

        let outer = Lab::new("");
        let inner = Lab::new("");
        let source = inner.root.to_str().unwrap();
        outer.git(&["submodule", "--quiet", "add", "-b", "main", source, "sub"]);
        outer.git(&["commit", "-qm", "submodule"]);
        let lab = Lab { root: outer.root.join("sub"), program, ..Lab::unborn("pve") };
        lab.git(&["config", "user.name", "Alice"]);
        lab.git(&["config", "user.email", "alice@example.org"]);
        assert!(lab.repository().setup().unwrap().submodule);
        check_syncs(&lab);
        assert_eq!(outer.repository().dirty(&outer.context).unwrap(), [], "a submodule ahead of its commit does not count");
        outer.sync(FIRST).unwrap();
    }
}

#[test]
fn a_sparse_checkout_stays_sparse() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("pve") };
        lab.write("far/away.tf", "# far\n");
        lab.git(&["add", "far"]);
        lab.git(&["commit", "-qm", "far"]);
        lab.git(&["sparse-checkout", "set", "--cone", "pve"]);
        assert!(!lab.root.join("far").exists());
        assert!(lab.repository().setup().unwrap().sparse);
        assert_eq!(lab.repository().dirty(&lab.context).unwrap(), [], "excluded files are not deleted ones");
        check_syncs(&lab);
        assert!(!lab.root.join("far").exists());
        assert!(lab.git(&["ls-tree", "-r", "--name-only", "HEAD"]).contains("far/away.tf"));
    }
    // The workspace itself is outside of the cone, but for its root.
    let lab = Lab::new("pve");
    lab.sync(FIRST).unwrap();
    lab.git(&["sparse-checkout", "set", "--cone", "pve/ansible"]);
    assert_eq!(lab.read("terraform/vms.tf"), None);
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.sync(SECOND).unwrap();
    lab.check_merged(&before);
    assert_eq!(lab.read("terraform/vms.tf"), None);
    assert_eq!(lab.read("terraform/nodes/pve.tf"), None);
    assert_eq!(lab.git(&["show", "HEAD:pve/terraform/vms.tf"]), SECOND[3].1.trim_end());
}

#[test]
fn a_shallow_clone_says_where_its_history_ends() {
    if no_git() {
        return;
    }
    let source = Lab::new("");
    source.git(&["commit", "-q", "--allow-empty", "-m", "later"]);
    source.sync(FIRST).unwrap();
    source.git(&["commit", "-q", "--allow-empty", "-m", "last"]);
    let clone = |depth: &str| {
        let lab = Lab::unborn("");
        lab.git(&["fetch", "-q", "--depth", depth, &format!("file://{}", source.root.display()), "main"]);
        lab.git(&["reset", "-q", "--hard", "FETCH_HEAD"]);
        let refspec = format!("{DEFAULT_BRANCH}:{DEFAULT_BRANCH}");
        lab.git(&["fetch", "-q", "--depth", "1", &format!("file://{}", source.root.display()), &refspec]);
        lab
    };
    let lab = clone("1");
    assert!(lab.repository().setup().unwrap().shallow);
    assert!(matches!(lab.sync(SECOND), Err(HistoryError::Shallow { .. })));
    let lab = clone("3");
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.sync(SECOND).unwrap();
    lab.check_merged(&before);
}

#[test]
fn line_ends_are_those_of_git() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("pve") };
        lab.git(&["config", "core.autocrlf", "true"]);
        check_syncs(&lab);
        assert_eq!(lab.repository().setup().unwrap().autocrlf.as_deref(), Some("true"));
        assert_eq!(lab.read("terraform/vms.tf").as_deref(), Some("# web\r\nmemory = 8192\r\n"));
        assert!(!lab.git(&["show", "HEAD:pve/terraform/vms.tf"]).contains('\r'));
        assert_eq!(lab.repository().dirty(&lab.context).unwrap(), []);

        let lab = Lab { program, ..Lab::new("pve") };
        lab.write(".gitattributes", "*.tf eol=crlf\n");
        lab.git(&["add", ".gitattributes"]);
        lab.git(&["commit", "-qm", "attributes"]);
        check_syncs(&lab);
        assert_eq!(lab.read("terraform/vms.tf").as_deref(), Some("# web\r\nmemory = 8192\r\n"));
        assert_eq!(lab.read("manifest.json").as_deref(), Some("{}\n"));
    }
}

#[test]
fn a_new_branch_leaves_the_work_tree_alone() {
    if no_git() {
        return;
    }
    for program in ["git", NO_GIT] {
        let lab = Lab { program, ..Lab::new("pve") };
        lab.sync(FIRST).unwrap();
        lab.write("pve/terraform/vms.tf", "# not committed\n");
        let before = lab.state();
        let target = Target::NewBranch("sync/now".to_owned());
        let merged = sync(&lab.repository(), SECOND, target.clone(), &lab.context).unwrap();
        let mut after = lab.state();
        let references = after.remove("git for-each-ref").unwrap();
        assert!(references.contains("refs/heads/sync/now"));
        let mut before = before;
        before.remove("git for-each-ref");
        assert_eq!(after, before);
        let parents = format!("{} {}", lab.git(&["rev-parse", "main"]), lab.git(&["rev-parse", DEFAULT_BRANCH]));
        assert_eq!(lab.git(&["log", "-1", "--format=%P", "sync/now"]), parents);
        assert_eq!(lab.git(&["rev-parse", "sync/now"]), merged.commit.unwrap().to_string());
        assert_eq!(lab.git(&["show", "sync/now:pve/terraform/vms.tf"]), SECOND[3].1.trim_end());
        let again = sync(&lab.repository(), FIRST, target, &lab.context);
        assert!(matches!(again, Err(HistoryError::BranchExists { .. })));
    }
}

#[test]
fn folders_without_a_repository_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path());
    assert!(Repository::discover(&workspace).unwrap().is_none());
    let repository = Repository::init(&workspace).unwrap();
    assert_eq!(repository.place(), ".");
    assert!(matches!(repository.setup().unwrap().head, Head::Unborn { .. }));
    let deeper = Workspace::at(folder.path().join("not/there/yet"));
    assert_eq!(Repository::discover(&deeper).unwrap().unwrap().prefix(), "not/there/yet");
    let bare = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(bare.path()).unwrap();
    assert!(matches!(Repository::discover(&Workspace::at(bare.path())), Err(HistoryError::Bare { .. })));
}
