//! The program as a whole: its help, its exit codes, its reaction to signals.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use clap::CommandFactory as _;
use proxmox_mpc::cli::Cli;
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use rustix::process::{Pid, Signal, kill_process};

use crate::support;
use crate::support::program::{PROGRAM, Ran, ran, ran_in};

/// The help of every command, as people read it.
#[test]
fn help_is_what_it_is() {
    let mut text = String::new();
    let mut commands = vec![Cli::command()];
    while let Some(mut command) = commands.pop() {
        command.build();
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let help = command.clone().term_width(100).render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        writeln!(text, "$ {name} --help\n{}\n", help.join("\n")).unwrap();
        let below = command.get_subcommands().filter(|command| command.get_name() != "help").cloned();
        commands.extend(below.collect::<Vec<_>>().into_iter().rev());
    }
    support::snapshot("help", &text);
}

/// Checks of `clap` itself, which run if a command line is built in a debug build.
#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_command_is_parsed_from_a_line() {
    use clap::Parser as _;
    let words = shlex::split("proxmox-mpc verify 'my lab' --live --output json").unwrap();
    assert!(Cli::try_parse_from(words).is_ok());
}

/// Usage errors, missing folders and answers that need no cluster.
#[test]
fn short_answers_are_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    let runs = [
        &[][..],
        &["--version"],
        &["version"],
        &["version", "--output", "json"],
        &["nonsense"],
        &["explain", "K1"],
        &["explain", "?"],
        &["verify", "--live", "--recording", "x"],
        &["verify", empty],
        &["--events", "json", "verify", empty],
        &["verify", empty, "--live"],
        &["rehearse", empty],
        &["rehearse", "--as", "root@pam"],
        &["twin", "serve", empty],
        &["twin", "serve", "x", "--listen", "everywhere"],
        &["twin", "serve", "x", "--listen", "localhost"],
        &["man", "--out", "/nonexistent/folder"],
    ];
    support::screen("short_answers", runs.map(ran));
}

/// Documents for other programs, which are too long for a snapshot.
#[test]
fn long_answers_begin_as_their_readers_expect() {
    let check = |arguments: &[&str], start: &str| {
        let ran = ran(arguments);
        assert_eq!((ran.code, ran.errors.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ran.output.starts_with(start), "{arguments:?}: {}", ran.output);
    };
    check(&["--help"], "Turn a Proxmox VE cluster into Terraform code");
    check(&["completions", "zsh"], "#compdef proxmox-mpc");
    check(&["man"], ".ie \\n(.g .ds Aq");
}

#[expect(clippy::disallowed_methods, reason = "a signal needs a process of its own to be sent to")]
fn started(arguments: &[&str], scratch: &Path) -> Child {
    std::process::Command::new(PROGRAM)
        .args(arguments)
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A run of a process that was started aside.
fn ended_as(arguments: &[&str], ended: &Output) -> Ran {
    let text = |stream: &[u8]| String::from_utf8(stream.to_vec()).unwrap();
    Ran {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        output: text(&ended.stdout),
        errors: text(&ended.stderr),
        code: ended.status.code(),
    }
}

fn end(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

/// A signal is passed on to Terraform once, Terraform ends in its own time, and nothing is left behind.
#[test]
fn a_request_to_end_reaches_terraform_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["terraform", "scratch"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("terraform/main.tf"), include_str!("terraform/pools.tf")).unwrap();
    let script = format!(
        "#!/bin/sh\ncase $1 in\n  version) echo 'Terraform v1.11.4' ;;\n  \
         plan) trap 'echo heard >> {0}/heard; exit 1' TERM; : > {0}/ready; while :; do sleep 0.05; done ;;\nesac\n",
        folder.path().display()
    );
    fs::write(at("slow"), script).unwrap();
    fs::set_permissions(at("slow"), fs::Permissions::from_mode(0o755)).unwrap();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");
    let (workspace, slow) = (folder.path().to_str().unwrap().to_owned(), at("slow").to_str().unwrap().to_owned());
    let arguments = ["verify", &workspace, "--recording", recording, "--terraform-bin", &slow];
    let mut child = started(&arguments, &at("scratch"));
    let patience = Instant::now() + Duration::from_mins(1);
    while !at("ready").exists() {
        assert!(Instant::now() < patience && child.try_wait().unwrap().is_none(), "Terraform never ran");
        std::thread::sleep(Duration::from_millis(20));
    }
    end(&child);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(fs::read_to_string(at("heard")).unwrap(), "heard\n");
    support::screen("interrupted_plan", [ended_as(&arguments, &ended)]);
    assert_eq!(fs::read_dir(at("scratch")).unwrap().count(), 0, "the scratch copy is gone");
}

#[test]
fn a_cluster_is_made_up_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| {
        let place = folder.path().join(name);
        let ran = ran(&["twin", "synth", place.to_str().unwrap(), "--nodes", "2", "--guests", "5", "--seed", "3"]);
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        assert!(ran.output.contains("2 nodes, 5 guests, seed 3"), "{}", ran.output);
        fs::read(place).unwrap()
    };
    assert_eq!(made("one.tar.zst"), made("two.tar.zst"));
}

/// A signal ends a server with success. A twin of a copy lists the parts of the files that Proxmox itself does not
/// read.
#[test]
fn a_twin_says_where_it_is_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().to_str().unwrap().to_owned();
    let storages = "lvmthin: thin\n\tthinpool t\n\tvgname v\nzfspool: tank\n\tpool t\n";
    fs::write(folder.path().join("storage.cfg"), storages).unwrap();
    let node = folder.path().join("nodes/pve/qemu-server");
    fs::create_dir_all(&node).unwrap();
    fs::write(node.join("100.conf"), "scsi0: thin:vm-100-disk-0,disabled=1\nhostpci0: 0000:04:00.0,x-vga=1 # note\n")
        .unwrap();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");
    let serve = |more: &[&str]| {
        let arguments = [&["twin", "serve", "--listen", "localhost:0"], more].concat();
        let mut child = started(&arguments, folder.path());
        // All of it is printed before anybody may end it.
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("Ctrl-C ends it.\n") {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "{text}");
        }
        end(&child);
        let ended = child.wait_with_output().unwrap();
        output.read_to_string(&mut text).unwrap();
        Ran { output: text, ..ended_as(&arguments, &ended) }
    };
    support::screen("twin_serve", [serve(&[recording]), serve(&["--etc-pve", &copy])]);
}

/// A signal ends long computation as it ends waiting, and nothing is left behind.
#[test]
fn a_request_to_end_is_heard_during_long_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let big = at("big");
    let made = ran(&["twin", "synth", &big, "--nodes", "2", "--guests", "3000"]);
    assert_eq!(made.code, Some(0), "{}", made.errors);
    let (more, packed) = (at("more"), at("more.tar.zst"));
    let kept = at("kept.tar.zst");
    let check = |arguments: &[&str], after: u64, signal: Signal| {
        let place = folder.path().join("here");
        fs::create_dir(&place).unwrap();
        let out = place.join("lab").to_str().unwrap().to_owned();
        let arguments: Vec<&str> =
            arguments.iter().map(|word| if *word == "OUT" { out.as_str() } else { word }).collect();
        let mut child = started(&arguments, &place);
        std::thread::sleep(Duration::from_millis(after));
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} was done after {after} ms");
        let asked = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        let errors = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(130), "{arguments:?}: {errors}");
        assert!(asked.elapsed() < Duration::from_secs(20), "{arguments:?}: {:?}", asked.elapsed());
        assert!(errors.contains("interrupted"), "{errors}");
        let left: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{arguments:?}: {left:?}");
        fs::remove_dir(&place).unwrap();
        let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(beside, ["big"], "{arguments:?}");
    };
    // Copying, computing, and packing take more than this each in a debug build; which of them it hits does not matter.
    for after in [200, 800, 1600] {
        check(&["import", "--from", &big, "--out", "OUT"], after, Signal::TERM);
    }
    check(&["import", "--from", &big, "--out", "OUT", "--record", &kept], 1600, Signal::INT);
    check(&["coverage", "--from", &big], 500, Signal::TERM);
    check(&["twin", "synth", &more, "--guests", "20000"], 1000, Signal::INT);
    check(&["twin", "synth", &packed, "--guests", "20000"], 1000, Signal::TERM);
}

/// With `--events json`, each line of standard error is an object.
#[test]
fn events_for_programs_are_objects_only() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");
    let (lab, out) = (at("lab"), at("made"));
    let check = |arguments: &[&str], code: i32| -> Vec<serde_json::Value> {
        let token = "root@pam!iac=11111111-2222-3333-4444-555555555555".to_owned();
        let program = Invocation::new(PROGRAM).secret("PROXMOX_VE_API_TOKEN", token.into());
        let ran = ran_in(program, &[&["--events", "json"], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.errors);
        let object = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(value["type"].is_string(), "{line}");
            value
        };
        ran.errors.lines().map(object).collect()
    };
    let has_type = |lines: &[serde_json::Value], sort: &str| lines.iter().any(|line| line["type"] == sort);
    check(&["import", "--from", recording, "--out", &lab, "-vv"], 0);
    // Nobody answers there: each attempt is in the log.
    let nobody = ["import", "https://127.0.0.1:1", "--out", &out, "-vv"];
    let lines = check(&nobody, 1);
    assert!(has_type(&lines, "fault") && has_type(&lines, "started") && has_type(&lines, "log"), "{lines:?}");
    check(&["coverage", &lab, "-vv"], 0);
    check(&["verify", &at("nothing"), "-v"], 1);
    check(&["twin", "synth", &at("synth"), "--guests", "3", "-vv"], 0);
    for usage in [&["nonsense"][..], &["import", "--only", "nonsense"], &["coverage", "--kind", "vmm"]] {
        assert_eq!(check(usage, 2)[0]["exit_code"], 2);
    }
    assert!(has_type(&check(&["twin", "serve", "-vv", "--listen", "127.0.0.1:0", &at("nothing")], 1), "fault"));
}

/// The program warns each time that it does not check a certificate, with the option that would pin it; a link to
/// nowhere is an error.
#[test]
fn what_is_taken_unchecked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");
    let mut child = started(&["twin", "serve", recording, "--listen", "127.0.0.1:0"], folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut value = |name: &str| lines.next().unwrap().strip_prefix(name).unwrap().to_owned();
    let (endpoint, token) = (value("PROXMOX_VE_ENDPOINT="), value("PROXMOX_VE_API_TOKEN="));
    let fingerprint = value("PROXMOX_MPC_FINGERPRINT=");
    let import = |variable: (&str, &str), out: &str| {
        let program = Invocation::new(PROGRAM).secret("PROXMOX_VE_API_TOKEN", token.clone().into());
        let program = program.env(variable.0, variable.1);
        ran_in(program, &["import", &endpoint, "--out", &at(out), "--only", "kind=pool"])
    };
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    let (insecure, pinned) = (("PROXMOX_VE_INSECURE", "true"), ("PROXMOX_MPC_FINGERPRINT", fingerprint.as_str()));
    let runs = [import(insecure, "lab"), import(insecure, "lab"), import(pinned, "lab"), import(pinned, "link")];
    support::screen("certificates_and_links", runs);
    end(&child);
    child.wait().unwrap();
}
