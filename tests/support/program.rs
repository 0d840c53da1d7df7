//! The program itself, started as a process.

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::{Stream, run};

/// Path of the program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_proxmox-mpc");

/// Command line, output and exit code of a run of the program.
pub(crate) struct Ran {
    pub(crate) arguments: Vec<String>,
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) code: Option<i32>,
}

/// Runs the program to its end.
pub(crate) fn ran(arguments: &[&str]) -> Ran {
    ran_in(Invocation::new(PROGRAM), arguments)
}

/// Runs the program to its end with an environment or a folder of its own.
pub(crate) fn ran_in(program: Invocation, arguments: &[&str]) -> Ran {
    let arguments_given = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let mut ran = Ran { arguments: arguments_given, output: String::new(), errors: String::new(), code: None };
    let invocation = arguments.iter().fold(program, |invocation, argument| invocation.arg(*argument));
    let ended = run(&invocation, &super::context(), |stream, line| {
        let text = if stream == Stream::Output { &mut ran.output } else { &mut ran.errors };
        text.push_str(&line);
        text.push('\n');
    });
    ran.code = ended.unwrap().code;
    ran
}
