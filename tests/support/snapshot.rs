//! Snapshots: the text of a subject, and the whole screen of the program with what varies filtered out.

use std::borrow::Borrow;
use std::fmt::Write as _;

use regex_lite::Regex;

use super::program::Ran;

/// Filter table: a pattern of text that differs between two runs or two machines, and what stands in its place.
///
/// The order counts: a token holds a UUID, and a folder may hold a number.
const FILTERS: &[(&str, &str)] = &[
    // `tempfile` makes `/tmp/.tmpA1b2C3`; macOS has longer names for the folder around it.
    (r"(/[\w.+-]+)*/\.tmp\w{6}", "[folder]"),
    (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[port]"),
    (r"\b[0-9A-F]{2}(:[0-9A-F]{2}){31}\b", "[fingerprint]"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "[uuid]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
    (r"\b\d+(\.\d+)? (ms|s)\b", "[duration]"),
    (concat!(r"\b", env!("CARGO_PKG_VERSION"), r"\b"), "[version]"),
    (r"(Terraform|OpenTofu) \d+\.\d+\.\d+", "[tool]"),
    // The provider asks again where an answer takes its time.
    (r"\d+ answers: \d+ as recorded, \d+ derived", "[answers]"),
];

/// Compares text with `snapshots/<name>.snap`; `cargo insta review`, or `INSTA_UPDATE=always`, renews it.
///
/// Every setting of a snapshot stands here, so that all of them live in one folder and none names a file of the
/// machine that made it.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Compares all that runs of the program show with one snapshot: the command line, the exit code, standard output and
/// standard error of each, in this order.
#[track_caller]
pub(crate) fn screen(name: &str, runs: impl IntoIterator<Item: Borrow<Ran>>) {
    let screens: Vec<String> = runs.into_iter().map(|ran| rendered(ran.borrow())).collect();
    snapshot(&format!("screen_{name}"), &screens.join("\n"));
}

/// One run as a screen. An empty stream is left out.
fn rendered(ran: &Ran) -> String {
    let arguments: Vec<_> = ran.arguments.iter().map(|argument| shlex::try_quote(argument).unwrap()).collect();
    let code = ran.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"));
    let mut screen = format!("$ proxmox-mpc {}\n[{code}]\n", arguments.join(" "));
    for (stream, text) in [("stdout", &ran.output), ("stderr", &ran.errors)] {
        if !text.is_empty() {
            writeln!(screen, "[{stream}]\n{}", text.trim_end()).unwrap();
        }
    }
    filtered(&screen)
}

/// The text with everything that varies replaced.
pub(crate) fn filtered(text: &str) -> String {
    let text = text.replace(env!("CARGO_MANIFEST_DIR"), "[root]");
    FILTERS.iter().fold(text, |text, (pattern, replacement)| {
        Regex::new(pattern).unwrap().replace_all(&text, regex_lite::NoExpand(replacement)).into_owned()
    })
}

#[test]
fn what_varies_is_filtered() {
    let check = |text: &str, expected: &str| assert_eq!(filtered(text), expected);
    check("in `/tmp/.tmpA1b2C3/lab`", "in `[folder]/lab`");
    check("/private/var/folders/x_/T/.tmpA1b2C3", "[folder]");
    check("PROXMOX_VE_ENDPOINT=https://127.0.0.1:41234/", "PROXMOX_VE_ENDPOINT=https://127.0.0.1:[port]/");
    check("root@pam!twin=11111111-2222-3333-4444-555555555555", "root@pam!twin=[uuid]");
    check("read in 0.31 s, recorded 2026-11-23T00:00:00Z", "read in [duration], recorded [time]");
    check(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"), "[root]/fixtures");
    check("Terraform 1.11.4, 12 answers: 10 as recorded, 2 derived, 0", "[tool], [answers], 0");
    check(concat!("proxmox-mpc ", env!("CARGO_PKG_VERSION")), "proxmox-mpc [version]");
}
