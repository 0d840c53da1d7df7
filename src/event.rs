//! What is said while something runs: one stream of events, whoever listens.

use std::sync::Mutex;

use serde::Serialize;

/// One thing that happened. As JSON: one object with a `type`, the names as they stand here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A stretch of work began that a person may have to wait for.
    Started {
        /// The work, as a person would name it: `reading the cluster`.
        what: String,
    },
    /// The work that began under this name has come so far.
    Progress {
        /// The name that [`Event::Started`] gave it.
        what: String,
        /// How much is done, in the work's own unit (answers, objects).
        done: u64,
        /// How much there is, as far as that is known now.
        total: Option<u64>,
    },
    /// The work that began under this name is over.
    Finished {
        /// The name that [`Event::Started`] gave it.
        what: String,
    },
    /// A line that a program wrote and that means nothing more to us.
    Text {
        /// The program: `terraform`.
        source: String,
        /// The line without its end.
        line: String,
    },
    /// Something that a program found wrong with what it was given.
    Diagnostic(Diagnostic),
    /// Something that was set aside, and never stops the rest.
    Notice(Notice),
    /// Something that a person who waits should know now: that Ctrl-C was heard and what a second one does.
    Message {
        /// The sentence, without a full stop.
        text: String,
    },
}

/// An error or a warning of Terraform, in its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The rest, of any length; empty where there is none.
    pub detail: String,
    /// The resource that it speaks of, where it names one.
    pub address: Option<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run fails.
    Error,
}

/// What could not be done for one object, why, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The object in Proxmox's terms (`qemu/101`), where it is about one.
    pub identity: Option<String>,
    /// Its Terraform address, where it has one.
    pub address: Option<String>,
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// What a person can do, where there is something.
    pub remedy: Option<String>,
}

/// Who listens to events. Called from any thread, in the order in which things happen on that thread.
pub trait Sink: Send + Sync {
    /// Takes one event; never fails, since nobody could do anything about it.
    fn event(&self, event: Event);
}

/// Listens to nothing.
impl Sink for () {
    fn event(&self, _event: Event) {}
}

/// Keeps every event, for tests and for reports.
impl Sink for Mutex<Vec<Event>> {
    fn event(&self, event: Event) {
        self.lock().expect("no listener panics while it holds the list").push(event);
    }
}

/// A stretch of work that says when it begins, how far it is and, when dropped, that it is over.
pub struct Work<'a> {
    sink: &'a dyn Sink,
    what: String,
}

impl<'a> Work<'a> {
    /// Says that the work begins.
    pub fn start(sink: &'a dyn Sink, what: impl Into<String>) -> Self {
        let what = what.into();
        sink.event(Event::Started { what: what.clone() });
        Self { sink, what }
    }

    /// Says how far it is.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.sink.event(Event::Progress { what: self.what.clone(), done, total });
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.sink.event(Event::Finished { what: std::mem::take(&mut self.what) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_says_when_it_begins_and_ends() {
        let events = Mutex::new(Vec::new());
        {
            let work = Work::start(&events, "reading");
            work.progress(1, Some(2));
        }
        let what = "reading".to_owned();
        assert_eq!(
            *events.lock().unwrap(),
            [
                Event::Started { what: what.clone() },
                Event::Progress { what: what.clone(), done: 1, total: Some(2) },
                Event::Finished { what },
            ]
        );
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let check = |event: &Event, json: serde_json::Value| assert_eq!(serde_json::to_value(event).unwrap(), json);
        check(
            &Event::Diagnostic(Diagnostic {
                severity: Severity::Error,
                summary: "no".to_owned(),
                detail: String::new(),
                address: None,
            }),
            serde_json::json!({"type": "diagnostic", "severity": "error", "summary": "no", "detail": "", "address": null}),
        );
        check(
            &Event::Text { source: "terraform".to_owned(), line: "hello".to_owned() },
            serde_json::json!({"type": "text", "source": "terraform", "line": "hello"}),
        );
    }
}
