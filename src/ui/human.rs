//! Events for people: bars for what takes long, sentences for the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use proxmox_mpc_engine::operation::event::{Diagnostic, Severity, StepKind};
use proxmox_mpc_engine::operation::{Event, EventKind, OperationId, StepId};

use crate::ui::harmless::harmless;
use crate::ui::sentences;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// A step of one of the operations that run.
type Key = (Option<OperationId>, StepId);

/// A step that ends within this time shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Standard error: lines that stay, and below them the bars of what is going on.
pub(super) struct Screen {
    lines: Mutex<Box<dyn Write + Send>>,
    bars: MultiProgress,
    steps: Mutex<BTreeMap<Key, (Instant, ProgressBar)>>,
    terminal: bool,
}

impl Screen {
    /// Bars are drawn at a terminal only; elsewhere the beginning of each step is a line.
    pub(super) fn new(lines: Box<dyn Write + Send>, terminal: bool) -> Self {
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        Self { lines: Mutex::new(lines), bars, steps: Mutex::default(), terminal }
    }

    /// Writes text, each line of it complete, above the bars.
    pub(super) fn print(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell where standard error is closed.
        self.bars.suspend(|| lines.write_all(text.as_bytes()).and_then(|()| lines.flush()).ok());
    }

    /// Shows an event to a person who asked for this much.
    pub(super) fn event(&self, event: &Event, verbosity: u8) {
        let key = |step: StepId| (event.operation.clone(), step);
        match &event.kind {
            EventKind::Started { step, what } => self.started(key(*step), *what),
            EventKind::Progress { step, done, total } => self.progress(&key(*step), *done, *total),
            EventKind::Finished { step } => self.finished(&key(*step)),
            EventKind::Text { program, line } if verbosity > 0 => {
                self.print(&format!("{DIM}{program}: {}{DIM:#}\n", harmless(line)));
            }
            EventKind::Diagnostic(diagnostic) if verbosity > 0 => self.print(&diagnosed(diagnostic)),
            EventKind::Message(message) => self.print(&format!("{}\n", harmless(&sentences::message(message)))),
            // The report at the end has diagnostics in order; faults and the log are printed by themselves.
            EventKind::Text { .. } | EventKind::Diagnostic(_) | EventKind::Fault { .. } | EventKind::Log { .. } => {}
        }
    }

    fn started(&self, key: Key, what: StepKind) {
        let what = sentences::step(what);
        if !self.terminal {
            return self.print(&format!("{what}\n"));
        }
        let bar = ProgressBar::no_length().with_style(spinner()).with_message(what);
        let bar = self.bars.add(bar);
        bar.enable_steady_tick(PATIENCE); // The first tick draws it.
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (Instant::now(), bar));
    }

    fn progress(&self, key: &Key, done: u64, total: Option<u64>) {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, bar)) = steps.get(key) else { return };
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

    fn finished(&self, key: &Key) {
        let step = self.steps.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some((_, bar)) = step {
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

fn about(subject: Option<&str>) -> String {
    subject.map(|subject| format!("{subject}: ")).unwrap_or_default()
}
