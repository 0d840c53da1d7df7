//! Sync into the repositories that people have: other code beside it, hooks, other work trees, squashed merge requests, clones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use serde_json::json;

use super::{CONFIG, GENERATED, Lab, MACHINES, cluster, with_memory};
use crate::support::clusters::{data, without};
use crate::support::program::{PROGRAM, ran_in};
use crate::support::workspaces::edit;

/// Their first sync gives each of these repositories the provider exactly once, and changes nothing else of the own code.
#[test]
fn a_first_sync_goes_beside_other_code() {
    let check = |own: &str, expected: &str| {
        let lab = Lab::new("");
        fs::create_dir(lab.workspace().join("terraform")).unwrap();
        for (path, text) in [("terraform/main.tf", own), ("README.md", "Ours.\n"), (".gitignore", "*.swp\n")] {
            fs::write(lab.workspace().join(path), text).unwrap();
        }
        lab.commit("our own");
        let ran = lab.sync(&cluster(), &[]);
        assert_eq!(ran.code, Some(0), "{own}: {}{}", ran.output, ran.errors);
        lab.check_clean();
        assert_eq!(lab.text("terraform/main.tf"), expected);
        assert_eq!((lab.text("README.md"), lab.text(".gitignore")), ("Ours.\n".to_owned(), "*.swp\n".to_owned()));
        let code = fs::read_dir(lab.workspace().join("terraform")).unwrap();
        let texts = code.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>();
        assert_eq!(texts.matches("source  = \"bpg/proxmox\"").count(), 1, "{own}");
        assert_eq!(texts.matches("required_providers {").count(), 1, "{own}");
        let ran = lab.sync(&cluster(), &[]);
        assert!(ran.output.contains("up to date"), "{own}: {}", ran.output);
    };
    let resource = "resource \"null_resource\" \"ours\" {}\n";
    check(resource, resource);
    let settings = "terraform {\n  required_version = \">= 1.5\"\n}\n";
    check(settings, settings);
    let backend = "terraform {\n  backend \"local\" {}\n}\n";
    check(backend, backend);
    let (before, after) =
        ("terraform {\n  required_providers {\n", "    null = {\n      source = \"hashicorp/null\"\n    }\n  }\n}\n");
    let added = "    # The version that this code is for; `proxmox-mpc import --provider-version` chooses another one.\n    \
                 proxmox = {\n      source  = \"bpg/proxmox\"\n      version = \"0.111.1\"\n    }\n";
    check(&format!("{before}{after}"), &format!("{before}{added}{after}"));
}

#[test]
fn a_detached_head_and_another_work_tree_get_the_merge() {
    let lab = Lab::synced();
    let main = lab.id("main");
    lab.git(&["checkout", "--quiet", "--detach"]);
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(ran.output.contains("HEAD is on no branch"), "{}", ran.output);
    assert_eq!((lab.id("main"), lab.parents("HEAD")), (main.clone(), vec![main.clone(), lab.id(GENERATED)]));
    lab.check_clean();

    lab.git(&["checkout", "--quiet", "main"]);
    let side = lab.folder.path().join("side");
    lab.git(&["worktree", "add", "--quiet", "-b", "side", side.to_str().unwrap()]);
    let program = Invocation::new(PROGRAM).arg("sync").arg(&side).arg("--from").arg(lab.recorded(&with_memory(8192)));
    let ran = ran_in(program, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!((lab.id("main"), lab.parents("side")), (main.clone(), vec![main, lab.id(GENERATED)]));
    assert!(fs::read_to_string(side.join(MACHINES)).unwrap().contains("dedicated = 8192"));
    assert_eq!(lab.git(&["-C", side.to_str().unwrap(), "status", "--porcelain"]), "");
    lab.check_clean();
}

#[test]
fn line_ends_that_git_converts_are_no_changes() {
    let lab = Lab::new("");
    lab.git(&["config", "core.autocrlf", "true"]);
    assert_eq!(lab.sync(&cluster(), &[]).code, Some(0));
    lab.check_clean();
    assert!(lab.text("terraform/pools.tf").contains("\r\n"), "git converts the files that it writes");
    edit(&lab.workspace(), MACHINES, &[("order    = 2", "order    = 3")]);
    lab.git(&["commit", "--quiet", "--all", "--message", "later"]);
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    lab.check_clean();
    let changed = lab.git(&["diff", "--numstat", "HEAD~1", "HEAD", "--", "terraform"]);
    assert_eq!(changed, format!("1\t1\t{MACHINES}"));
    let text = lab.text(MACHINES);
    assert!(text.contains("dedicated = 6144\r\n") && text.contains("order    = 3\r\n"));
    assert!(!lab.git(&["show", &format!("HEAD:{MACHINES}")]).contains('\r'));
}

#[test]
fn a_hook_that_refuses_changes_nothing() {
    let lab = Lab::synced();
    let hook = lab.root().join(".git/hooks/pre-merge-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho not on a Friday\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (head, generated) = (lab.id("HEAD"), lab.id(GENERATED));
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.output);
    assert!(ran.errors.contains("not on a Friday"), "{}", ran.errors);
    let help = ran_in(Invocation::new(PROGRAM), &["sync", "--help"]).output;
    let options = ran.errors.split(['`', ' ']).filter(|word| word.starts_with("--"));
    options.for_each(|option| assert!(help.contains(option), "{option} is no option of sync"));
    assert_eq!((lab.id("HEAD"), lab.id(GENERATED)), (head, generated));
    assert!(lab.text(MACHINES).contains("dedicated = 4096"));
    lab.check_clean();
    fs::remove_file(hook).unwrap();
    assert_eq!(lab.sync(&with_memory(6144), &[]).code, Some(0));
    lab.check_clean();
}

/// A squashed merge request has no second parent. What the cluster changes later is merged all the same, beside people's edits.
#[test]
fn a_squashed_merge_request_keeps_its_base() {
    let lab = Lab::new("");
    fs::write(lab.workspace().join("notes.txt"), "ours\n").unwrap();
    lab.commit("begin");
    for memory in [4096, 6144] {
        let ran = lab.sync(&with_memory(memory), &["--branch", &format!("memory-{memory}")]);
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        lab.git(&["merge", "--quiet", "--squash", &format!("memory-{memory}")]);
        lab.git(&["commit", "--quiet", "--message", "squashed"]);
        edit(&lab.workspace(), MACHINES, &[("  vm_id         = 100", &format!("  # {memory}\n  vm_id         = 100"))]);
        lab.commit("a comment");
    }
    let ran = lab.sync(&with_memory(8192), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    let text = lab.text(MACHINES);
    assert!(text.contains("dedicated = 8192") && text.contains("# 4096") && text.contains("# 6144"), "{text}");
    lab.check_clean();
}

/// A clone has no recording of the import. The files as they were committed are the base.
#[test]
fn a_clone_of_an_import_finds_the_files_before_the_edits() {
    let lab = Lab::new("");
    let recording = lab.recorded(&cluster());
    let import = Invocation::new(PROGRAM).arg("import").arg("--from").arg(recording).arg("--out").arg(lab.workspace());
    assert_eq!(ran_in(import, &[]).code, Some(0));
    lab.commit("imported");
    edit(&lab.workspace(), MACHINES, &[("order    = 2", "order    = 3")]);
    lab.commit("later");
    fs::remove_dir_all(lab.workspace().join(".proxmox-mpc")).unwrap();
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    let text = lab.text(MACHINES);
    assert!(text.contains("dedicated = 6144") && text.contains("order    = 3"), "{text}");
    assert!(!ran.output.contains("for you to look at"), "{}", ran.output);
    lab.check_clean();
}

/// Two people sync in turn, each in a clone: the history of the cluster goes on, and can be pushed.
#[test]
fn clones_go_on_with_the_branch_of_their_remote() {
    let lab = Lab::synced();
    let origin = lab.folder.path().join("origin.git");
    let origin = origin.to_str().unwrap();
    lab.git(&["clone", "--quiet", "--bare", ".", origin]);
    let clone = || {
        let clone = Lab::new("");
        clone.git(&["remote", "add", "origin", origin]);
        clone.git(&["fetch", "--quiet", "origin"]);
        clone.git(&["checkout", "--quiet", "main"]);
        clone
    };
    let (ada, bob) = (clone(), clone());
    let first = ada.id("origin/proxmox-mpc/generated");
    let history = ran_in(Invocation::new(PROGRAM), &["history", "--workspace", ada.workspace().to_str().unwrap()]);
    assert!(history.output.contains("first sync of pve"), "{}{}", history.output, history.errors);
    let dry = ada.sync(&with_memory(6144), &["--dry-run"]);
    assert!(dry.output.contains("memory 4096 → 6144"), "{}{}", dry.output, dry.errors);
    assert_eq!(ada.git(&["branch", "--list", GENERATED]), "");
    let push = |lab: &Lab| lab.git(&["push", "--quiet", "origin", "main", GENERATED]);
    let mut before = first;
    for (person, memory) in [(&ada, 6144), (&bob, 8192), (&ada, 4096)] {
        person.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
        person.git(&["fetch", "--quiet", "origin"]);
        let ran = person.sync(&with_memory(memory), &[]);
        assert_eq!(ran.code, Some(0), "{memory}: {}{}", ran.output, ran.errors);
        assert_eq!(person.parents(GENERATED), [before], "{memory}");
        assert!(person.text(MACHINES).contains(&format!("dedicated = {memory}")), "{memory}");
        person.check_clean();
        push(person);
        before = person.id(GENERATED);
    }
}

/// A merge that is aborted comes again; one that somebody resolved does not.
#[test]
fn an_aborted_merge_comes_again() {
    let lab = Lab::synced();
    edit(&lab.workspace(), MACHINES, &[("dedicated = 4096", "dedicated = 5000")]);
    lab.commit("more memory");
    let head = lab.id("HEAD");
    for _ in 0..2 {
        assert_eq!(lab.sync(&with_memory(6144), &[]).code, Some(3));
        lab.git(&["merge", "--abort"]);
        lab.check_clean();
        assert_eq!(lab.id("HEAD"), head);
        assert!(lab.text(MACHINES).contains("dedicated = 5000"));
    }
    let ran = lab.sync(&cluster(), &[]);
    assert_eq!(ran.code, Some(0), "the cluster took its change back: {}", ran.output);
    assert!(!lab.workspace().join(".proxmox-mpc/conflicts.json").exists());
    assert!(lab.text(MACHINES).contains("dedicated = 5000"));
}

#[test]
fn many_removals_stop_a_sync_before_it_writes() {
    let lab = Lab::synced();
    let identity = |guest: &str| guest.split_once('/').map(|(prefix, id)| proxmox_mpc_model::Identity::new(prefix, id));
    let guests = ["qemu/100", "qemu/101", "lxc/201"].map(|guest| identity(guest).unwrap());
    let fewer = guests.iter().fold(cluster(), |cluster, guest| without(&cluster, guest));
    let (head, generated) = (lab.id("HEAD"), lab.id(GENERATED));
    let ran = lab.sync(&fewer, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.output);
    assert!(ran.errors.contains("--allow-removal") && ran.errors.contains("sync again"), "{}", ran.errors);
    assert_eq!((lab.id("HEAD"), lab.id(GENERATED)), (head, generated));
    lab.check_clean();
    let ran = lab.sync(&fewer, &["--allow-removal", "20"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(!lab.text(MACHINES).contains("haos_16_2"));
    lab.check_clean();
}

/// Changes that are not committed are refused before the cluster is asked: nobody answers at that address.
#[test]
fn nothing_is_asked_where_nothing_can_be_merged() {
    let lab = Lab::synced();
    edit(&lab.workspace(), "terraform/pools.tf", &[("resource ", "# Mine.\nresource ")]);
    let program = Invocation::new(PROGRAM).withhold("PROXMOX_").folder(lab.workspace()).arg("sync");
    let program = program.env("PROXMOX_VE_API_TOKEN", "root@pam!iac=ca9a2100-0000-4000-8000-00000000ca9a");
    let ran = ran_in(program, &["--endpoint", "https://127.0.0.1:1", "--insecure"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("terraform/pools.tf") && !ran.errors.contains("127.0.0.1"), "{}", ran.errors);
}

#[test]
fn two_syncs_at_once_make_one_merge() {
    let lab = Lab::synced();
    let head = lab.id("HEAD");
    let mut cluster = with_memory(6144);
    data(&mut cluster, CONFIG)["cores"] = json!(4);
    let recordings = [lab.recorded(&cluster), lab.recorded(&cluster)];
    let runs = thread::scope(|scope| {
        let sync = |recording| lab.sync_with(Invocation::new(PROGRAM), recording, &["--wait"]);
        let [first, second] = [&recordings[0], &recordings[1]].map(|recording| scope.spawn(move || sync(recording)));
        [first.join().unwrap(), second.join().unwrap()]
    });
    for ran in &runs {
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    }
    assert_eq!(runs.iter().filter(|ran| ran.output.contains("up to date")).count(), 1);
    assert_eq!(lab.parents("HEAD"), [head, lab.id(GENERATED)]);
    lab.check_clean();
}
