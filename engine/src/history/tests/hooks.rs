//! Hooks and signatures.

use super::*;

#[test]
fn hooks_run_as_in_a_git_merge() {
    if no_git() {
        return;
    }
    let log = "#!/bin/sh\necho \"$(basename \"$0\") $2\" >> \"$(git rev-parse --git-dir)/hooks.log\"\n";
    let lab = Lab::new("pve");
    for hook in ["pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-merge"] {
        lab.script(&format!(".git/hooks/{hook}"), log);
    }
    let changes = "printf 'Ticket: 7\\n' >> \"$1\"\n";
    lab.script(".git/hooks/commit-msg", &format!("{log}{changes}"));
    let formats = "printf '# checked\\n' >> pve/terraform/vms.tf\ngit add pve/terraform/vms.tf\n";
    lab.script(".git/hooks/pre-merge-commit", &format!("{log}{formats}"));
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.sync(FIRST).unwrap();
    lab.check_merged(&before);
    let ours = fs::read_to_string(lab.root.join(".git/hooks.log")).unwrap();
    assert_eq!(lab.git(&["log", "-1", "--format=%B"]), "Merge the cluster\nTicket: 7");
    assert_eq!(lab.read("terraform/vms.tf").unwrap(), "# web\nmemory = 4096\n# checked\n");
    // The same by git itself.
    lab.git(&["checkout", "-q", "-b", "side", &before]);
    lab.git(&["commit", "-q", "--allow-empty", "--no-verify", "-m", "side"]);
    fs::remove_file(lab.root.join(".git/hooks.log")).unwrap();
    lab.script(".git/hooks/pre-merge-commit", log);
    lab.git(&["merge", "-q", "--no-ff", "--no-edit", "main"]);
    assert_eq!(fs::read_to_string(lab.root.join(".git/hooks.log")).unwrap(), ours);
}

#[test]
fn a_hook_that_refuses_leaves_everything_as_before() {
    if no_git() {
        return;
    }
    for hook in ["pre-merge-commit", "prepare-commit-msg", "commit-msg"] {
        let lab = Lab::new("pve");
        lab.sync(FIRST).unwrap();
        let spoils = "echo spoiled > pve/terraform/vms.tf\ngit add pve\n";
        lab.script(&format!(".git/hooks/{hook}"), &format!("#!/bin/sh\n{spoils}echo not today >&2\nexit 1\n"));
        let before = lab.state();
        let error = lab.sync(SECOND).unwrap_err();
        assert_eq!(error.to_string(), format!("the hook `{hook}` refused the commit\n  not today"));
        assert_eq!(lab.state(), before, "{hook}");
        assert_eq!(lab.repository().recover(&lab.context).unwrap(), []);
    }
    // A hook after the merge cannot undo it; without the program none runs, and that is said.
    let lab = Lab::new("");
    lab.script(".git/hooks/post-merge", "#!/bin/sh\nexit 1\n");
    let merged = lab.sync(FIRST).unwrap();
    assert_eq!(merged.notices, [HistoryNotice::HookFailed { hook: "post-merge".to_owned() }]);
    let lab = Lab { program: NO_GIT, ..Lab::new("") };
    lab.script(".git/hooks/commit-msg", "#!/bin/sh\nexit 1\n");
    lab.git(&["config", "commit.gpgsign", "true"]);
    let merged = lab.sync(FIRST).unwrap();
    let hooks = vec!["commit-msg".to_owned()];
    assert_eq!(merged.notices, [HistoryNotice::HooksNotRun { hooks }, HistoryNotice::NotSigned]);
}

#[test]
fn a_commit_is_signed_where_the_person_wants_it() {
    if no_git() {
        return;
    }
    let lab = Lab::new("");
    let signs = "cat > /dev/null\necho '[GNUPG:] SIG_CREATED D 1 8 00 0 FAKE' >&2\n\
                 printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nfake\\n-----END PGP SIGNATURE-----\\n'\n";
    lab.script(".git/gpg", &format!("#!/bin/sh\n{signs}"));
    let program = lab.root.join(".git/gpg");
    lab.git(&["config", "commit.gpgsign", "true"]);
    lab.git(&["config", "gpg.program", program.to_str().unwrap()]);
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.sync(FIRST).unwrap();
    lab.check_merged(&before);
    assert!(lab.git(&["cat-file", "commit", "HEAD"]).contains("gpgsig -----BEGIN PGP SIGNATURE-----"));
    let before = lab.state();
    lab.script(".git/gpg", "#!/bin/sh\necho no key >&2\nexit 2\n");
    assert!(matches!(lab.sync(SECOND), Err(HistoryError::Program { .. })));
    assert_eq!(lab.state(), before);
}
