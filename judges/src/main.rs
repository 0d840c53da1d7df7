//! `judges`: the command line, the printing, and the exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use proxmox_mpc_judges::{JudgeError, Lines, Verdict, fidelity, provider, replay, roundtrip};
use serde_json::json;

/// Compare the twin and the generated code with real clusters and the real provider
#[derive(Debug, Parser)]
#[command(
    name = "judges",
    version,
    after_help = "Exit codes: 0 passed or skipped, 1 a floor was missed or a required tool is missing, 2 wrong \
usage or no comparison.
A judge is skipped where a tool is missing; PROXMOX_MPC_REQUIRE=terraform,provider,ansible names tools that must be there."
)]
struct CommandLine {
    #[command(subcommand)]
    judge: Judge,
    /// Print one JSON document at the end, and nothing else
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Judge {
    Fidelity(fidelity::Arguments),
    Provider(provider::Arguments),
    Replay(replay::Arguments),
    Roundtrip(roundtrip::Arguments),
}

impl Judge {
    fn run(&self, lines: &mut Lines<'_>) -> Result<Verdict, JudgeError> {
        match self {
            Self::Fidelity(arguments) => arguments.run(lines),
            Self::Provider(arguments) => arguments.run(lines),
            Self::Replay(arguments) => arguments.run(lines),
            Self::Roundtrip(arguments) => arguments.run(lines),
        }
    }
}

/// Exit code of a comparison that was not made.
const NOT_JUDGED: u8 = 2;

fn main() -> ExitCode {
    let CommandLine { judge, json } = CommandLine::parse();
    let verdict = judge.run(&mut |line| {
        if !json {
            print(line);
        }
    });
    let (code, document) = match &verdict {
        Ok(Verdict::Judged { passed, report }) => (u8::from(!passed), report.clone()),
        Ok(Verdict::Skipped(missing)) => {
            let is_required = missing.tool.is_required();
            let word = if is_required { "required" } else { "skipped" };
            if !json {
                print(&format!("{word}: {missing}"));
            }
            (u8::from(is_required), json!({ "passed": !is_required, "missing": missing }))
        }
        Err(error) => {
            warn(error);
            return NOT_JUDGED.into();
        }
    };
    if json {
        print(&document.to_string());
    }
    code.into()
}

/// Prints a line at once: a judge takes minutes. A reader who has left is no error.
#[expect(clippy::disallowed_methods, reason = "the judges print here and nowhere else")]
fn print(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

/// Prints an error with its causes.
#[expect(clippy::disallowed_methods, reason = "the judges print here and nowhere else")]
fn warn(error: &JudgeError) {
    let mut text = format!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str("\ncaused by: ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    writeln!(io::stderr(), "{text}").ok();
}
