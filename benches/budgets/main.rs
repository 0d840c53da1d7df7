//! The budgets, measured side by side in one run on this machine: `scripts/bench`.
//!
//! Time depends on the machine and on what else it does, so what counts is a ratio of two things that took turns.

mod check;
mod exchange;
mod fetch;
mod generate;
mod import;
mod merge;
mod program;
mod requests;
mod scale;
mod serve;
mod sheet;
mod start;
mod status;
mod store;
mod sync;
mod terraform;
mod twin;

use std::error::Error;
use std::process::ExitCode;

use proxmox_mpc::ui::{Options, Ui};

use sheet::Sheet;

/// Result of a part of the bench. An error means that the part could not run, never that a budget was missed.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A part by its name on the command line.
type Part = (&'static str, fn(&mut Sheet) -> Outcome);

/// Quick ones first.
const PARTS: &[Part] = &[
    ("start", start::measure),
    ("store", store::measure),
    ("status", status::measure),
    ("merge", merge::measure),
    ("check", check::measure),
    ("sync", sync::measure),
    ("generate", generate::measure),
    ("serve", serve::measure),
    ("import", import::measure),
    ("scale", scale::measure),
    ("requests", requests::measure),
    ("terraform", terraform::measure),
];

fn main() -> ExitCode {
    let ui = Ui::new(Options::default());
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let unknown = wanted.iter().find(|name| !PARTS.iter().any(|(part, _)| part == name));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        ui.line(&format!("there is no part `{unknown}`, only {}", known.join(", ")));
        return ExitCode::from(2);
    }
    let mut sheet = Sheet::default();
    let mut code = ExitCode::SUCCESS;
    for (name, measure) in PARTS.iter().filter(|(part, _)| wanted.is_empty() || wanted.iter().any(|name| name == part))
    {
        ui.line(&format!("measuring: {name}"));
        if let Err(error) = measure(&mut sheet) {
            ui.line(&format!("{name} could not be measured: {error}"));
            code = ExitCode::FAILURE;
        }
    }
    if let Err(error) = ui.page(|page| sheet.page(page)) {
        ui.line(&format!("the figures could not be written: {error}"));
        code = ExitCode::FAILURE;
    }
    code
}
