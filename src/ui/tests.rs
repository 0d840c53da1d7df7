//! Tests of the printer: reports, events and errors as people and programs see them.

use proxmox_mpc_engine::operation::event::{Diagnostic, Message, Severity, StepKind};
use proxmox_mpc_engine::operation::{FaultKind, StepId};
use proxmox_mpc_engine::version::Versions;

use super::*;

fn versions() -> Versions {
    let (version, provider) = ("yes".to_owned(), "52:54:00:12:34:56".to_owned());
    Versions { version, provider, terraform: "1".to_owned(), recording: 1 }
}

fn reported(output: OutputFormat) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    let ui = Ui::captured(Options { output, ..Options::default() }, &results, &errors, Some(80));
    ui.report(&versions()).unwrap();
    assert_eq!(errors.text(), "");
    results.text()
}

#[test]
fn a_report_has_three_forms() {
    assert_eq!(
        reported(OutputFormat::Table),
        "proxmox-mpc yes\nprovider    52:54:00:12:34:56\nterraform   1 (or OpenTofu)\nrecordings  format 1\n"
    );
    assert_eq!(
        reported(OutputFormat::Json),
        "{\n  \"format\": 1,\n  \"kind\": \"version\",\n  \"version\": \"yes\",\n  \"provider\": \"52:54:00:12:34:56\",\n  \
         \"terraform\": \"1\",\n  \"recording\": 1\n}\n"
    );
    // Bare, a YAML 1.1 reader would take the texts for other types.
    assert_eq!(
        reported(OutputFormat::Yaml),
        "format: 1\nkind: version\nversion: \"yes\"\nprovider: \"52:54:00:12:34:56\"\nterraform: \"1\"\nrecording: 1\n"
    );
}

#[derive(Debug, thiserror::Error)]
#[error("could not write `x`")]
struct Failed(#[source] std::io::Error);

impl Fault for Failed {
    fn kind(&self) -> FaultKind {
        FaultKind::Failed
    }

    fn hints(&self) -> Vec<String> {
        vec!["Free some space.".to_owned()]
    }
}

fn printed(options: Options, print: impl Fn(&Ui)) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    print(&Ui::captured(options, &results, &errors, None));
    assert_eq!(results.text(), "", "standard output is for results");
    errors.text()
}

#[test]
fn an_error_is_printed_with_its_causes_and_hints() {
    let failed = || Failed(std::io::Error::other("no space left"));
    assert_eq!(
        printed(Options::default(), |ui| ui.fault(&failed())),
        "error: could not write `x`\ncaused by: no space left\nhint: Free some space.\n"
    );
    let line = printed(Options { events: EventFormat::Json, ..Options::default() }, |ui| ui.fault(&failed()));
    let event: Event = serde_json::from_str(&line).unwrap();
    let (causes, hints) = (vec!["no space left".to_owned()], vec!["Free some space.".to_owned()]);
    assert_eq!(event.kind, EventKind::Fault { message: "could not write `x`".to_owned(), causes, hints, exit_code: 1 });
}

/// Sends an event of each type, as an operation would.
fn send_each_event(ui: &Ui) {
    let event = |kind| ui.event(&Event::outside(kind));
    let step = StepId(1);
    event(EventKind::Started { step, what: StepKind::Plan });
    event(EventKind::Progress { step, done: 1, total: Some(2) });
    event(EventKind::Text { program: "terraform".to_owned(), line: "hello".to_owned() });
    for severity in [Severity::Warning, Severity::Error] {
        event(EventKind::Diagnostic(Diagnostic {
            severity,
            summary: "odd".to_owned(),
            detail: "one\ntwo".to_owned(),
            address: Some("a.b".to_owned()),
        }));
    }
    event(EventKind::Message(Message::WaitingForProgram { program: "terraform".to_owned(), kills: false }));
    event(EventKind::Finished { step });
}

#[test]
fn events_are_shown_as_the_options_ask() {
    let check = |options: Options, expected: &str| assert_eq!(printed(options, send_each_event), expected);
    check(Options { quiet: true, ..Options::default() }, "waiting for terraform to stop\n");
    check(Options::default(), "planning\nwaiting for terraform to stop\n");
    check(
        Options { verbosity: 1, ..Options::default() },
        "planning\nterraform: hello\nwarning: a.b: odd\n  one\n  two\nerror: a.b: odd\n  one\n  two\n\
         waiting for terraform to stop\n",
    );
    let lines = printed(Options { events: EventFormat::Json, ..Options::default() }, send_each_event);
    assert_eq!(lines.lines().count(), 7);
    for line in lines.lines() {
        serde_json::from_str::<Event>(line).unwrap();
    }
}

/// A reader may close the pipe early (`| head`).
#[test]
fn a_closed_pipe_is_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let screen = human::Screen::new(Box::new(io::sink()), false);
    assert!(Ui::with(Options::default(), Box::new(Closed), screen, None).report(&versions()).is_ok());
}
