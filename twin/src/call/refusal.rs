//! Refusals of Proxmox, in each of their forms.

use proxmox_mpc_model::derived::refused;
use proxmox_mpc_model::schema::Errors;
use proxmox_mpc_model::{Answer, Unreadable};

/// The beginning of the message of [`Refusal::beyond_the_twin`], by which clients know it as a limit of the twin.
pub const CANNOT: &str = "the twin cannot do this";

/// Reason why a write was refused.
#[derive(Debug)]
pub enum Refusal {
    /// A message: 500, or another status.
    Message {
        /// The HTTP status.
        status: u16,
        /// The message without its line end.
        text: String,
    },
    /// Wrong parameters: 400, with a message for each.
    Parameters(Errors),
    /// A finished answer, for a refusal that has a form of its own.
    Answer(Answer),
    /// A refusal after a part was written, which stays.
    InPart(Box<Self>),
    /// The recording cannot be read.
    Unreadable(Unreadable),
}

impl Refusal {
    /// 500 with a message; `die "…\n"` in Proxmox.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Message { status: 500, text: text.into() }
    }

    /// 400 with one wrong parameter; `raise_param_exc` in Proxmox.
    pub fn parameter(name: &str, why: impl Into<String>) -> Self {
        Self::Parameters(Errors::from([(name.to_owned(), why.into())]))
    }

    /// 500 with a wrong parameter inside the message: `create ha rule failed: 400 Parameter verification failed.\nname:
    /// why`. What stands before the colon is `context`; it may be empty.
    pub fn nested(context: &str, name: &str, why: &str) -> Self {
        let context = if context.is_empty() { String::new() } else { format!("{context}: ") };
        Self::failed(format!("{context}400 Parameter verification failed.\n{name}: {why}"))
    }

    /// 403 for a privilege on a path: `Permission check failed (/vms/100, VM.Audit)`.
    pub fn permission(path: &str, privileges: &str) -> Self {
        Self::Message { status: 403, text: format!("Permission check failed ({path}, {privileges})") }
    }

    /// 501: something that Proxmox does and the twin cannot. The message says that this is the twin's limit.
    pub fn beyond_the_twin(what: &str) -> Self {
        let message = format!("{CANNOT}: {what}");
        let body = serde_json::json!({ "data": null, "message": message });
        Self::Answer(Answer { status: 501, reason: message, body })
    }

    /// 500 with a failure of the twin itself, which no cluster has.
    pub fn by_the_twin(why: &dyn std::fmt::Display) -> Self {
        Self::failed(format!("the twin: {why}"))
    }

    /// Puts words before the message of a failure, as Proxmox's `lock_file` callers do: `create pool failed: …`.
    #[must_use]
    pub fn within(self, context: &str) -> Self {
        match self {
            Self::Message { status, text } => Self::Message { status, text: format!("{context}: {text}") },
            other => other,
        }
    }

    /// The message as a task's end shows it: the first line of it.
    pub fn text(&self) -> String {
        match self {
            Self::Message { text, .. } => text.trim_end().to_owned(),
            Self::Parameters(errors) => {
                let errors: Vec<String> = errors.iter().map(|(name, why)| format!("{name}: {why}")).collect();
                format!("400 Parameter verification failed.\n{}", errors.join("\n"))
            }
            Self::Answer(answer) => answer.reason.clone(),
            Self::InPart(refusal) => refusal.text(),
            Self::Unreadable(error) => error.to_string(),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Message { status, text } => Self::refusal(status, &text),
            Refusal::Parameters(errors) => refused(&errors),
            Refusal::Answer(answer) => answer,
            Refusal::InPart(refusal) => (*refusal).into(),
            Refusal::Unreadable(error) => Refusal::by_the_twin(&error).into(),
        }
    }
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}
