//! The one binary: reads the command line, runs the command, and ends with its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use proxmox_mpc::cli::Cli;
use proxmox_mpc::commands::Failure;
use proxmox_mpc::fault::FaultKind;
use proxmox_mpc::ui::Ui;

fn main() -> ExitCode {
    // Help and version are errors to clap; it knows which stream and which exit code each has.
    let cli = Cli::parse();
    let ui = Ui::new(cli.global.into());
    let run = AssertUnwindSafe(|| match cli.command.run(&ui) {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => failed(&ui, &failure),
    });
    // The panic's own message has been printed where it happened.
    ExitCode::from(catch_unwind(run).unwrap_or(FaultKind::Bug.exit_code()))
}

fn failed(ui: &Ui, failure: &Failure) -> u8 {
    ui.fault(failure.fault());
    failure.fault().kind().exit_code()
}
