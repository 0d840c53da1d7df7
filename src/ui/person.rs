//! Person at the terminal: asks questions on standard error, and reads the answers from standard input.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use proxmox_mpc_engine::operation::{Cancel, Person, Prompt, PromptError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::{EventFormat, Ui};
use crate::page::harmless;

/// The time between two looks at the request to stop.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The person at the terminal of this process, if there is one.
pub struct Terminal {
    ui: Arc<Ui>,
}

impl Terminal {
    /// Asks with this printer.
    pub fn new(ui: Arc<Ui>) -> Self {
        Self { ui }
    }

    fn print(&self, text: &str) {
        self.ui.screen.print(&harmless(text));
    }

    /// Prints what is to be read before a question, if somebody is there to read it.
    fn notes(&self, prompt: &Prompt) -> Result<(), PromptError> {
        if !self.is_there() {
            return Err(PromptError::nobody(prompt));
        }
        for note in &prompt.notes {
            self.print(&format!("{note}\n"));
        }
        Ok(())
    }

    /// Prints a question, and reads the line that answers it, without its end and the spaces around it.
    fn answer(&self, question: &str, prompt: &Prompt, cancel: &Cancel) -> Result<String, PromptError> {
        self.print(question);
        let Some(line) = line(cancel)? else {
            self.print("\n");
            return Err(PromptError::Closed { question: prompt.text.clone() });
        };
        Ok(line.trim().to_owned())
    }
}

impl Person for Terminal {
    #[expect(clippy::disallowed_methods, reason = "asks about the stream, writes nothing")]
    fn is_there(&self) -> bool {
        self.ui.options.events == EventFormat::Human && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn tell(&self, line: &str) {
        self.print(&format!("{line}\n"));
    }

    fn text(&self, prompt: &Prompt, default: Option<&str>, cancel: &Cancel) -> Result<String, PromptError> {
        self.notes(prompt)?;
        let shown = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        loop {
            let answer = self.answer(&format!("{}{shown}: ", prompt.text), prompt, cancel)?;
            match (answer.as_str(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => {}
                _ => return Ok(answer),
            }
        }
    }

    fn choice(&self, prompt: &Prompt, choices: &[&str], default: usize, cancel: &Cancel) -> Result<usize, PromptError> {
        self.notes(prompt)?;
        self.print(&format!("{}?\n", prompt.text));
        for (index, choice) in choices.iter().enumerate() {
            self.print(&format!("  {}  {choice}\n", index + 1));
        }
        loop {
            let answer = self.answer(&format!("Number [{}]: ", default + 1), prompt, cancel)?;
            if answer.is_empty() {
                return Ok(default);
            }
            match answer.parse::<usize>() {
                Ok(number) if (1..=choices.len()).contains(&number) => return Ok(number - 1),
                _ => self.tell(&format!("Please type a number from 1 to {}.", choices.len())),
            }
        }
    }

    fn secret(&self, prompt: &Prompt, cancel: &Cancel) -> Result<SecretString, PromptError> {
        self.notes(prompt)?;
        loop {
            let hidden = Hidden::begin()?;
            let answer = self.answer(&format!("{} (not shown): ", prompt.text), prompt, cancel);
            drop(hidden);
            self.print("\n");
            let answer = answer?;
            if !answer.is_empty() {
                return Ok(answer.into());
            }
        }
    }

    fn agreement(&self, prompt: &Prompt, default: Option<bool>, cancel: &Cancel) -> Result<bool, PromptError> {
        self.notes(prompt)?;
        let shown = match default {
            Some(true) => "Y/n",
            Some(false) => "y/N",
            None => "y/n",
        };
        loop {
            let answer = self.answer(&format!("{}? [{shown}]: ", prompt.text), prompt, cancel)?;
            match (answer.to_lowercase().as_str(), default) {
                ("y" | "yes", _) => return Ok(true),
                ("n" | "no", _) => return Ok(false),
                ("", Some(default)) => return Ok(default),
                _ => self.tell("Please type y or n."),
            }
        }
    }
}

/// Reads a line of the terminal; `None` at the end of the input. A terminal hands over whole lines, one in each read.
fn line(cancel: &Cancel) -> Result<Option<String>, PromptError> {
    let input = io::stdin();
    let mut bytes = Vec::new();
    loop {
        cancel.check()?;
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&PAUSE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let mut part = [0; 4096];
        match rustix::io::read(input.as_fd(), &mut part) {
            // The other end of a terminal that was closed.
            Ok(0) | Err(rustix::io::Errno::IO) => return Ok(None),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(io::Error::from(error).into()),
        }
        if bytes.ends_with(b"\n") {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// A terminal that does not show what is typed, for as long as this lives.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal may not show what is typed: `stty echo` mends that");
        }
    }
}
