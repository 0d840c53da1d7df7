//! What an import does not do by itself: take out very much, or work where another one does.

use std::fs;
use std::thread;
use std::time::Duration;

use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_engine::workspace::lock::{Attempt, Holder, attempt};

use super::{Lab, WEB, files};

#[test]
fn an_import_that_would_take_out_very_much_stops() {
    let mut lab = Lab::imported();
    let resources = lab.data("cluster/resources").as_array().unwrap();
    let guests: Vec<u64> = resources.iter().filter_map(|row| row["vmid"].as_u64()).collect();
    for vmid in guests {
        lab.remove_guest(u32::try_from(vmid).unwrap());
    }
    let before = files(&lab.at("lab"));
    let said = lab.import(&[]).failed();
    assert!(said.contains("objects out of the code") && said.contains(WEB), "{said}");
    assert!(said.contains("virtual machine: ") && said.contains("--allow-removal "), "{said}");
    assert_eq!(files(&lab.at("lab")), before, "nothing is written");
    let count = said.split("--allow-removal ").nth(1).unwrap();
    let count = count.split(|character: char| !character.is_ascii_digit()).next().unwrap();
    let fewer = (count.parse::<usize>().unwrap() - 1).to_string();
    lab.import(&["--allow-removal", &fewer]).failed();
    lab.import(&["--allow-removal", count]).done();
    assert_eq!(lab.code(WEB), "");
}

/// What its node lists is there, whatever the list of the cluster says; and where no node lists it either, a list that lacks
/// guests which other answers name is not complete.
#[test]
fn a_guest_that_other_lists_name_is_not_gone() {
    let mut lab = Lab::imported();
    let before = lab.files();
    lab.data("cluster/resources").as_array_mut().unwrap().retain(|row| row["type"] != "lxc" && row["type"] != "qemu");
    let said = lab.import(&[]).done();
    assert!(!said.contains(" lacks "), "{said}");
    assert_eq!(lab.code(WEB), super::code(&before, WEB));
    for node in ["pve1", "pve2", "pve3"] {
        for word in ["qemu", "lxc"] {
            *lab.data(&format!("nodes/{node}/{word}")) = serde_json::json!([]);
        }
    }
    let said = lab.import(&[]).done();
    assert!(said.contains("`cluster/resources` lacks "), "{said}");
    assert!(!said.contains("pvesm free"), "no disk of theirs is called nobody's: {said}");
    assert_eq!(lab.code(WEB), super::code(&before, WEB));
}

#[test]
fn two_imports_of_one_workspace_do_not_meet() {
    let lab = Lab::imported();
    let since = "2026-11-23T00:50:00Z".to_owned();
    let holder = Holder { actor: "alice".to_owned(), pid: std::process::id(), since };
    let Attempt::Locked(lock) = attempt(&Workspace::at(lab.at("lab")), &holder).unwrap() else {
        panic!("nobody has it");
    };
    let said = lab.import(&[]).failed();
    let holder = format!("lab`: alice (process {}, since 2026-11-23T00:50:00Z)\n", std::process::id());
    assert!(said.contains("another operation is writing to") && said.contains(&holder), "{said}");
    thread::scope(|scope| {
        let waits = scope.spawn(|| lab.import(&["--wait"]));
        thread::sleep(Duration::from_millis(300));
        assert!(!waits.is_finished());
        drop(lock);
        waits.join().unwrap().done();
    });
}

#[test]
fn first_imports_at_once_leave_one_whole_workspace() {
    let lab = Lab::new();
    super::record(&lab.answers, &lab.at("answers"));
    let (answers, out) = (lab.word("answers"), lab.word("lab"));
    thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| super::ran(&["import", "--from", &answers, "--out", &out, "--wait"])))
            .collect();
        for run in runs {
            run.join().unwrap().done();
        }
    });
    let mut names: Vec<_> = fs::read_dir(lab.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["answers", "lab"], "nothing is left beside it");
    let said = super::ran(&["import", "--from", &answers, "--out", &out]).done();
    assert!(said.contains("no file was changed"), "{said}");
}

/// The folder keeps itself out of git, whoever's `.gitignore` stands above it.
#[test]
fn what_is_not_for_others_stays_out_of_git() {
    let lab = Lab::new();
    fs::create_dir_all(lab.at("lab")).unwrap();
    lab.write(".gitignore", "/mine\n");
    lab.import(&[]).done();
    let git = |arguments: &[&str]| {
        let program = proxmox_mpc_engine::toolchain::invocation::Invocation::new("git").folder(lab.at("lab"));
        crate::support::program::ran_in(program, arguments).done()
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let staged = git(&["diff", "--cached", "--name-only"]);
    assert!(staged.contains("terraform/") && !staged.contains(".proxmox-mpc"), "{staged}");
}
