//! Rule: code, severity and page of something that `check` looks for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Terraform or Proxmox will refuse it, or it does damage.
    Error,
    /// It is probably not what its author wants.
    Warning,
    /// Advice.
    Note,
}

/// Level of a rule in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Findings are errors.
    Error,
    /// Findings are warnings.
    Warning,
    /// Findings are notes.
    Note,
    /// The rule finds nothing.
    Off,
}

/// A rule. Its text is the page of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The code: `PVE101`. It never changes its meaning.
    pub code: &'static str,
    /// The name: `duplicate-vmid`.
    pub name: &'static str,
    /// The severity where the settings say nothing.
    pub severity: Severity,
    /// The rule in one sentence.
    pub summary: &'static str,
    /// Terraform code in which the rule finds something.
    pub case: &'static str,
    /// The reason why it matters on Proxmox.
    pub why: &'static str,
    /// The way out.
    pub remedy: &'static str,
}

impl Severity {
    /// The word: `error`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl Level {
    /// All levels, as they are written in settings.
    pub const WORDS: [(&'static str, Self); 4] =
        [("error", Self::Error), ("warning", Self::Warning), ("note", Self::Note), ("off", Self::Off)];

    /// Reads a level; `None` for another word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(own, _)| *own == word).map(|(_, level)| *level)
    }

    /// The severity of findings; `None` if there are none.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Note => Some(Severity::Note),
            Self::Off => None,
        }
    }
}

impl Rule {
    /// Reports whether a word names the rule, by its code in any case or by its name.
    pub fn is_named(&self, word: &str) -> bool {
        self.code.eq_ignore_ascii_case(word) || self.name == word
    }
}
