//! Events for people: progress bars for long steps, sentences for the rest.

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

/// Identifies a step among all operations that run.
type Key = (Option<OperationId>, StepId);

/// A step that ends within this time shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Standard error: lines that stay, and below them the bars of the steps that run.
pub(super) struct Screen {
    lines: Mutex<Box<dyn Write + Send>>,
    bars: MultiProgress,
    steps: Mutex<BTreeMap<Key, (Instant, ProgressBar)>>,
    terminal: bool,
}

impl Screen {
    /// Creates the screen. Bars are drawn on a terminal only; elsewhere each step prints a line when it begins.
    pub(super) fn new(lines: Box<dyn Write + Send>, terminal: bool) -> Self {
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        Self { lines: Mutex::new(lines), bars, steps: Mutex::default(), terminal }
    }

    /// Writes text, each line of it complete, above the bars.
    pub(super) fn print(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Where standard error is closed there is nobody to report that to.
        self.bars.suspend(|| lines.write_all(text.as_bytes()).and_then(|()| lines.flush()).ok());
    }

    /// Shows an event, as far as this verbosity asks for it.
    pub(super) fn event(&self, event: &Event, verbosity: u8) {
        let key = |step: StepId| (event.operation.clone(), step);
        match &event.kind {
            EventKind::Started { step, what } => self.started(key(*step), *what),
            EventKind::Progress { step, done, total } => self.progress(&key(*step), *done, *total),
            EventKind::Finished { step } => self.finished(&key(*step)),
            EventKind::Text { program, line } if verbosity > 0 => {
                self.print(&format!("{DIM}{program}: {}{DIM:#}\n", harmless(line)));
            }
            EventKind::Diagnostic(diagnostic) if verbosity > 0 => self.print(&diagnostic_text(diagnostic)),
            EventKind::Message(message) => self.print(&format!("{}\n", harmless(&sentences::message(message)))),
            // The report at the end lists diagnostics in order; `Ui::fault` and the log print the rest.
            EventKind::Text { .. } | EventKind::Diagnostic(_) | EventKind::Fault { .. } | EventKind::Log { .. } => {}
        }
    }

    fn started(&self, key: Key, what: StepKind) {
        let name = sentences::step(what);
        if !self.terminal {
            return self.print(&format!("{name}\n"));
        }
        let bar = ProgressBar::no_length().with_style(spinner()).with_message(name);
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

fn diagnostic_text(diagnostic: &Diagnostic) -> String {
    let (style, word) = match diagnostic.severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
    };
    let address = diagnostic.address.as_deref().map(|address| format!("{address}: ")).unwrap_or_default();
    let mut text = format!("{style}{word}:{style:#} {address}");
    writeln!(text, "{}", harmless(diagnostic.summary.trim_end())).expect("writing to a string cannot fail");
    for line in diagnostic.detail.lines() {
        writeln!(text, "  {}", harmless(line)).expect("writing to a string cannot fail");
    }
    text
}
