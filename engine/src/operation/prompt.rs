//! Prompt: questions that a person answers while an operation runs, such as the address of a cluster.

use secrecy::SecretString;

use super::fault::{Fault, FaultKind};
use super::{Cancel, Interrupted};

/// A question to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The question in one line, without a mark at its end: `Address of a node`.
    pub text: String,
    /// Sentences that a person should read before answering, one line each.
    pub notes: Vec<String>,
    /// The option that answers the question where nobody can be asked: `--endpoint`.
    pub option: &'static str,
}

impl Prompt {
    /// A question without notes.
    pub fn new(text: impl Into<String>, option: &'static str) -> Self {
        Self { text: text.into(), notes: Vec::new(), option }
    }

    /// Adds a line to read before the question.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Person who answers questions, at a terminal or in a window. A request to stop ends the wait for an answer.
pub trait Person: Send + Sync {
    /// Reports whether somebody is there to answer.
    fn is_there(&self) -> bool;

    /// Says something that needs no answer, such as why an answer was not accepted.
    fn tell(&self, line: &str);

    /// A line of text; the default if it is empty. Never empty.
    fn text(&self, prompt: &Prompt, default: Option<&str>, cancel: &Cancel) -> Result<String, PromptError>;

    /// The index of one of the choices.
    fn choice(&self, prompt: &Prompt, choices: &[&str], default: usize, cancel: &Cancel) -> Result<usize, PromptError>;

    /// A secret, which is not shown while it is typed. Never empty.
    fn secret(&self, prompt: &Prompt, cancel: &Cancel) -> Result<SecretString, PromptError>;

    /// Yes or no; without a default the person has to say which.
    fn agreement(&self, prompt: &Prompt, default: Option<bool>, cancel: &Cancel) -> Result<bool, PromptError>;
}

/// Nobody: where a program, a pipeline or an agent asks for the operation.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Person for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    fn tell(&self, _: &str) {}

    fn text(&self, prompt: &Prompt, _: Option<&str>, _: &Cancel) -> Result<String, PromptError> {
        Err(PromptError::nobody(prompt))
    }

    fn choice(&self, prompt: &Prompt, _: &[&str], _: usize, _: &Cancel) -> Result<usize, PromptError> {
        Err(PromptError::nobody(prompt))
    }

    fn secret(&self, prompt: &Prompt, _: &Cancel) -> Result<SecretString, PromptError> {
        Err(PromptError::nobody(prompt))
    }

    fn agreement(&self, prompt: &Prompt, _: Option<bool>, _: &Cancel) -> Result<bool, PromptError> {
        Err(PromptError::nobody(prompt))
    }
}

/// A question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Nobody can be asked.
    #[error("nobody can be asked here: {question}?")]
    Nobody {
        /// The question.
        question: String,
        /// The option that answers it.
        option: &'static str,
    },
    /// The terminal was closed, or the end of the input was typed (Ctrl-D).
    #[error("the question has no answer: {question}?")]
    Closed {
        /// The question.
        question: String,
    },
    /// The terminal could not be read.
    #[error("the answer could not be read")]
    Terminal(#[from] std::io::Error),
    /// The operation was stopped.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl PromptError {
    /// The error of a question that nobody is there to answer.
    pub fn nobody(prompt: &Prompt) -> Self {
        Self::Nobody { question: prompt.text.clone(), option: prompt.option }
    }
}

impl Fault for PromptError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Nobody { .. } => FaultKind::Usage,
            Self::Closed { .. } | Self::Interrupted(_) => FaultKind::Interrupted,
            Self::Terminal(_) => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Nobody { option, .. } => {
                vec![format!("Answer with {option}, or run the command at a terminal.")]
            }
            _ => Vec::new(),
        }
    }
}
