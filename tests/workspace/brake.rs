//! Brakes of an import: it does not remove very much code by itself, and does not run beside another one.

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
    let output = lab.import(&[]).failed();
    assert!(output.contains("objects from the code") && output.contains(WEB), "{output}");
    assert!(output.contains("virtual machine: ") && output.contains("--allow-removal "), "{output}");
    assert_eq!(files(&lab.at("lab")), before, "nothing is written");
    let count = output.split("--allow-removal ").nth(1).unwrap();
    let count = count.split(|character: char| !character.is_ascii_digit()).next().unwrap();
    let fewer = (count.parse::<usize>().unwrap() - 1).to_string();
    lab.import(&["--allow-removal", &fewer]).failed();
    lab.import(&["--allow-removal", count]).done();
    assert_eq!(lab.code(WEB), "");
}

/// A guest that its node lists exists, whatever the list of the cluster says. If no node lists it either, a list
/// without guests that other answers name is incomplete.
#[test]
fn a_guest_that_other_lists_name_is_not_gone() {
    let mut lab = Lab::imported();
    let before = lab.files();
    lab.data("cluster/resources").as_array_mut().unwrap().retain(|row| row["type"] != "lxc" && row["type"] != "qemu");
    let output = lab.import(&[]).done();
    assert!(!output.contains(" lacks "), "{output}");
    assert_eq!(lab.code(WEB), super::code(&before, WEB));
    for node in ["pve1", "pve2", "pve3"] {
        for word in ["qemu", "lxc"] {
            *lab.data(&format!("nodes/{node}/{word}")) = serde_json::json!([]);
        }
    }
    let output = lab.import(&[]).done();
    assert!(output.contains("`cluster/resources` lacks "), "{output}");
    assert!(!output.contains("pvesm free"), "no disk of theirs is called nobody's: {output}");
    assert_eq!(lab.code(WEB), super::code(&before, WEB));
}

#[test]
fn two_imports_of_one_workspace_do_not_meet() {
    let lab = Lab::imported();
    let holder = Holder::new("alice".to_owned(), "2026-11-23T00:50:00Z".to_owned());
    let Attempt::Locked(lock) = attempt(&Workspace::at(lab.at("lab")), &holder).unwrap() else {
        panic!("nobody has it");
    };
    let output = lab.import(&[]).failed();
    let holder = format!("lab`: alice (process {}, since 2026-11-23T00:50:00Z)\n", std::process::id());
    assert!(output.contains("another operation is writing to") && output.contains(&holder), "{output}");
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
    let output = super::ran(&["import", "--from", &answers, "--out", &out]).done();
    assert!(output.contains("no file was changed"), "{output}");
}

/// The folder keeps itself out of git, whatever `.gitignore` is above it.
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
