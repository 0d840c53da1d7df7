//! Events for people: bars for what takes long, sentences for the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Diagnostic, Event, Notice, Severity};
use crate::ui::harmless::harmless;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// Work that ends within this time shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Standard error: lines that stay, and below them the bars of what is going on.
pub(super) struct Screen {
    lines: Mutex<Box<dyn Write + Send>>,
    bars: MultiProgress,
    works: Mutex<BTreeMap<String, (Instant, ProgressBar)>>,
    terminal: bool,
}

impl Screen {
    /// Bars are drawn at a terminal only; elsewhere the beginning of each work is a line.
    pub(super) fn new(lines: Box<dyn Write + Send>, terminal: bool) -> Self {
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        Self { lines: Mutex::new(lines), bars, works: Mutex::default(), terminal }
    }

    /// Writes text, each line of it complete, above the bars.
    pub(super) fn print(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell where standard error is closed.
        self.bars.suspend(|| lines.write_all(text.as_bytes()).and_then(|()| lines.flush()).ok());
    }

    /// Shows an event to a person who asked for this much.
    pub(super) fn event(&self, event: &Event, verbosity: u8) {
        match event {
            Event::Started { what } => self.started(what),
            Event::Progress { what, done, total } => self.progress(what, *done, *total),
            Event::Finished { what } => self.finished(what),
            Event::Text { source, line } if verbosity > 0 => {
                self.print(&format!("{DIM}{source}: {}{DIM:#}\n", harmless(line)));
            }
            Event::Diagnostic(diagnostic) if verbosity > 0 => self.print(&diagnosed(diagnostic)),
            Event::Notice(notice) if verbosity > 0 => self.print(&noticed(notice)),
            // The report at the end has them all, in order.
            Event::Text { .. } | Event::Diagnostic(_) | Event::Notice(_) => {}
            Event::Message { text } => self.print(&format!("{}\n", harmless(text))),
        }
    }

    fn started(&self, what: &str) {
        if !self.terminal {
            return self.print(&format!("{what}\n"));
        }
        let bar = ProgressBar::no_length().with_style(spinner()).with_message(what.to_owned());
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(PATIENCE); // The first tick draws it.
        self.works.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), (Instant::now(), bar));
    }

    fn progress(&self, what: &str, done: u64, total: Option<u64>) {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, bar)) = works.get(what) else { return };
        if since.elapsed() < PATIENCE {
            return;
        }
        if let Some(total) = total {
            if bar.length().is_none() {
                bar.set_style(counted());
            }
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    fn finished(&self, what: &str) {
        let work = self.works.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
        if let Some((_, bar)) = work {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("the template is well formed")
}

fn counted() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} ({elapsed})")
        .expect("the template is well formed")
        .progress_chars("=> ")
}

fn diagnosed(diagnostic: &Diagnostic) -> String {
    let (style, word) = match diagnostic.severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
    };
    let mut text = format!("{style}{word}:{style:#} {}", about(diagnostic.address.as_deref()));
    writeln!(text, "{}", harmless(diagnostic.summary.trim_end())).expect("writing to a string cannot fail");
    for line in diagnostic.detail.lines() {
        writeln!(text, "  {}", harmless(line)).expect("writing to a string cannot fail");
    }
    text
}

fn noticed(notice: &Notice) -> String {
    let subject = notice.address.as_deref().or(notice.identity.as_deref());
    let mut text = format!("{NOTE}note:{NOTE:#} {}{}\n", about(subject), harmless(&notice.reason));
    if let Some(remedy) = &notice.remedy {
        writeln!(text, "  {remedy}").expect("writing to a string cannot fail");
    }
    text
}

fn about(subject: Option<&str>) -> String {
    subject.map(|subject| format!("{subject}: ")).unwrap_or_default()
}
