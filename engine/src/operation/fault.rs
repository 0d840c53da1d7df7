//! Fault: an error that knows the exit code that it leads to, and what to do about it.

use std::error::Error;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An error that knows its exit code and its remedies.
///
/// Messages are lowercase fragments that never repeat their source: printers show `error:`, then one `caused by:` for
/// each source, then one `hint:` for each hint.
pub trait Fault: Error + Send + Sync + 'static {
    /// The exit code that it leads to.
    fn kind(&self) -> FaultKind {
        FaultKind::Failed
    }

    /// The remedies, most likely first: whole sentences, each with a capital letter or code in backquotes at its beginning
    /// and a full stop at its end. A command alone is one, too.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The reason why an operation did not end as hoped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The operation could not do what it was asked to.
    Failed,
    /// The operation was asked for in a way that makes no sense.
    Usage,
    /// The operation did its work and found differences.
    Differences,
    /// Somebody stopped the operation.
    Interrupted,
    /// The program is wrong.
    Bug,
}

impl FaultKind {
    /// The documented exit code of the process; 0 is left to success.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differences => 3,
            // A shell's convention for a process that SIGINT ended: 128 + 2.
            Self::Interrupted => 130,
            // `EX_SOFTWARE` of sysexits.h.
            Self::Bug => 70,
        }
    }
}

/// Any error of any room, on its way to the printer.
#[derive(Debug)]
pub struct Failure(Box<dyn Fault>);

impl Failure {
    /// The error itself.
    pub fn fault(&self) -> &dyn Fault {
        &*self.0
    }
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

/// The operation was stopped, by a signal or by whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing half done was left behind")]
pub struct Interrupted;

impl Fault for Interrupted {
    fn kind(&self) -> FaultKind {
        FaultKind::Interrupted
    }
}

/// The messages of the sources, outermost first. A source that repeats its parent is left out: transparent wrappers
/// do that.
pub fn causes(fault: &dyn Fault) -> Vec<String> {
    let mut previous = fault.to_string();
    let mut causes = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = fault.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if text != previous {
            causes.push(text.clone());
            previous = text;
        }
        next = cause.source();
    }
    causes
}

/// An error and its causes in one sentence, for a list of problems.
pub fn sentence(fault: &dyn Fault) -> String {
    std::iter::once(fault.to_string()).chain(causes(fault)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Every source file of the engine and of the program.
    fn sources() -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut waiting = vec![root.join("src"), root.join("../src")];
        let mut sources = Vec::new();
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
        sources
    }

    /// The texts between quotes in Rust code, with their line breaks taken out.
    fn texts(code: &str) -> Vec<String> {
        let (mut texts, mut text): (Vec<String>, Option<String>) = (Vec::new(), None);
        let mut characters = code.chars().peekable();
        while let Some(character) = characters.next() {
            match (&mut text, character) {
                (Some(open), '\\') => match characters.next() {
                    Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                    escaped => open.extend(escaped),
                },
                (Some(_), '"') => texts.extend(text.take()),
                (Some(open), character) => open.push(character),
                (None, '"') => text = Some(String::new()),
                (None, _) => {}
            }
        }
        texts
    }

    #[test]
    fn hints_are_sentences() {
        let mut count = 0;
        for path in sources() {
            let code = fs::read_to_string(&path).unwrap();
            for (start, _) in code.match_indices("fn hints(") {
                let body = code[start..].split("\n    }\n").next().unwrap_or_default();
                for text in texts(body).iter().filter(|text| text.contains(' ') && text.len() > 12) {
                    let begins = text.starts_with(|first: char| first.is_uppercase() || "`{/".contains(first));
                    assert!(begins && text.ends_with(['.', '?', ':']), "{}: {text}", path.display());
                    count += 1;
                }
            }
        }
        assert!(count > 60, "only {count} hints were found");
    }
}
