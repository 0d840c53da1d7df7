//! Confirmation: the question that comes before an operation changes a cluster.

/// Question: an action that somebody is asked to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The action in one line: `stop qemu/101 (web)`.
    pub action: String,
    /// The consequences, one line each.
    pub consequences: Vec<String>,
}

/// Source of answers to questions: a person at a terminal, a flag, a rule for agents.
pub trait Confirmation: Send + Sync {
    /// True if the action may go on.
    fn confirm(&self, question: &Question) -> bool;
}

/// Agrees to everything: `--yes`.
#[derive(Clone, Copy, Debug)]
pub struct Always;

impl Confirmation for Always {
    fn confirm(&self, _: &Question) -> bool {
        true
    }
}

/// Agrees to nothing: where nobody can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Never;

impl Confirmation for Never {
    fn confirm(&self, _: &Question) -> bool {
        false
    }
}
