//! The program as a whole: its help, its exit codes, its manners on signals.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use clap::CommandFactory as _;
use proxmox_mpc::cli::Cli;
use rustix::process::{Pid, Signal, kill_process};

use crate::support;
use crate::support::program::{PROGRAM, ran};

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

/// `clap` checks its own rules where a command line is built in a debug build.
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

#[test]
fn exit_codes_are_the_documented_ones() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let check = |arguments: &[&str], code: i32, output: &str, errors: &str| {
        let ran = ran(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.errors);
        assert!(ran.output.contains(output) && (output.is_empty() == ran.output.is_empty()), "{}", ran.output);
        assert!(ran.errors.contains(errors) && (errors.is_empty() == ran.errors.is_empty()), "{}", ran.errors);
    };
    check(&[], 2, "", "Usage: proxmox-mpc");
    check(&["--help"], 0, "Usage: proxmox-mpc", "");
    check(&["--version"], 0, "proxmox-mpc 0.", "");
    check(&["version", "--output", "json"], 0, "\"version\": \"0.", "");
    check(&["nonsense"], 2, "", "unrecognized subcommand");
    check(&["explain", "K1"], 0, "K1", "");
    check(&["explain", "?"], 2, "", "hint: `proxmox-mpc explain` lists every rule");
    check(&["verify", "--live", "--recording", "x"], 2, "", "cannot be used with");
    check(&["verify", empty], 1, "", "hint: An import makes a recording");
    check(&["--events", "json", "verify", empty], 1, "", "\"exit_code\":1");
    check(&["verify", empty, "--live"], 1, "", "could not read");
    check(&["rehearse", empty], 1, "", "hint: An import makes a recording");
    check(&["rehearse", "--as", "root@pam"], 2, "", "without the secret");
    check(&["twin", "serve", empty], 1, "", "error: there is nothing to answer with");
    check(&["twin", "serve", "x", "--listen", "everywhere"], 2, "", "invalid value 'everywhere'");
    check(&["completions", "zsh"], 0, "#compdef proxmox-mpc", "");
    check(&["man"], 0, ".TH proxmox-mpc 1", "");
    check(&["man", "--out", "/nonexistent/folder"], 1, "", "could not write the manual");
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

fn end(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

/// The signal is passed on once, Terraform ends as it likes, and nothing is left behind.
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
    let patience = Instant::now() + Duration::from_secs(60);
    while !at("ready").exists() {
        assert!(Instant::now() < patience && child.try_wait().unwrap().is_none(), "Terraform never ran");
        std::thread::sleep(Duration::from_millis(20));
    }
    end(&child);
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{errors}");
    assert_eq!(fs::read_to_string(at("heard")).unwrap(), "heard\n");
    assert!(errors.contains("waiting for slow to stop\n"), "{errors}");
    assert!(errors.contains("`slow` was interrupted"), "{errors}");
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

/// A server has done its work when it is told to end.
#[test]
fn a_twin_says_where_it_is_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");
    let mut child = started(&["twin", "serve", recording, "--listen", "127.0.0.1:0"], folder.path());
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("PROXMOX_VE_ENDPOINT=https://127.0.0.1:"), "{line}");
    end(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("PROXMOX_VE_API_TOKEN=root@pam!twin="), "{rest}");
}
