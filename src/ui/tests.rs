//! What people and programs see of reports, events and errors.

use serde::Serialize;

use super::*;
use crate::event::{Diagnostic, Notice, Severity, Work};
use crate::fault::FaultKind;

#[derive(Serialize)]
struct Found {
    name: String,
    mac: String,
}

impl Report for Found {
    fn human(&self, page: &mut Page) {
        page.heading("Found");
        let mut table = Table::new(["NAME", "MAC"]);
        table.row([self.name.clone(), self.mac.clone()]);
        table.row(["db".to_owned(), "-".to_owned()]);
        page.table(&table);
        page.blank();
        page.good("all is well");
    }
}

fn reported(output: OutputFormat) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    let ui = Ui::captured(Options { output, ..Options::default() }, &results, &errors, Some(80));
    ui.report(&Found { name: "yes".to_owned(), mac: "52:54:00:12:34:56".to_owned() }).unwrap();
    assert_eq!(errors.text(), "");
    results.text()
}

#[test]
fn a_report_has_three_forms() {
    assert_eq!(reported(OutputFormat::Table), "Found\nNAME  MAC\nyes   52:54:00:12:34:56\ndb    -\n\nall is well\n");
    assert_eq!(reported(OutputFormat::Json), "{\n  \"name\": \"yes\",\n  \"mac\": \"52:54:00:12:34:56\"\n}\n");
    // Bare, a YAML 1.1 reader would take both for other types.
    assert_eq!(reported(OutputFormat::Yaml), "name: \"yes\"\nmac: \"52:54:00:12:34:56\"\n");
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

#[test]
fn columns_without_anything_are_dropped() {
    let mut table = Table::new(["NAME", "EMPTY", "SOME"]);
    table.row(["a".to_owned(), String::new(), "1".to_owned()]);
    table.row(["b".to_owned(), String::new(), String::new()]);
    assert_eq!(table.without_empty_columns().render(None), "NAME  SOME\na     1\nb\n");
}

fn said(options: Options, say: impl Fn(&Ui)) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    say(&Ui::captured(options, &results, &errors, None));
    assert_eq!(results.text(), "", "standard output is for results");
    errors.text()
}

#[test]
fn an_error_says_what_why_and_what_to_do() {
    let failed = || Failed(std::io::Error::other("no space left"));
    assert_eq!(
        said(Options::default(), |ui| ui.fault(&failed())),
        "error: could not write `x`\ncaused by: no space left\nhint: Free some space.\n"
    );
    assert_eq!(
        said(Options { events: EventFormat::Json, ..Options::default() }, |ui| ui.fault(&failed())),
        "{\"type\":\"fault\",\"message\":\"could not write `x`\",\"causes\":[\"no space left\"],\
         \"hints\":[\"Free some space.\"],\"exit_code\":1}\n"
    );
}

/// One of each, as a run would send them.
fn everything(ui: &Ui) {
    let work = Work::start(ui, "planning");
    work.progress(1, Some(2));
    ui.event(Event::Text { source: "terraform".to_owned(), line: "hello".to_owned() });
    for severity in [Severity::Warning, Severity::Error] {
        ui.event(Event::Diagnostic(Diagnostic {
            severity,
            summary: "odd".to_owned(),
            detail: "one\ntwo".to_owned(),
            address: Some("a.b".to_owned()),
        }));
    }
    ui.event(Event::Notice(Notice {
        identity: Some("qemu/100".to_owned()),
        address: None,
        reason: "not expressible".to_owned(),
        remedy: Some("qm set 100".to_owned()),
    }));
    ui.event(Event::Message { text: "waiting".to_owned() });
}

#[test]
fn events_are_shown_to_those_who_asked() {
    let check = |options: Options, expected: &str| assert_eq!(said(options, everything), expected);
    check(Options { quiet: true, ..Options::default() }, "waiting\n");
    check(Options::default(), "planning\nwaiting\n");
    check(
        Options { verbosity: 1, ..Options::default() },
        "planning\nterraform: hello\nwarning: a.b: odd\n  one\n  two\nerror: a.b: odd\n  one\n  two\n\
         note: qemu/100: not expressible\n  qm set 100\nwaiting\n",
    );
    let lines = said(Options { events: EventFormat::Json, ..Options::default() }, everything);
    assert_eq!(lines.lines().count(), 8);
    for line in lines.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["type"].is_string(), "{line}");
    }
}

/// A reader that closes the pipe early has seen enough.
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
    assert!(Ui::with(Options::default(), Box::new(Closed), screen, None).text("x").is_ok());
}
