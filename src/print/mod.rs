//! Printers: the page of each report, for people.

mod changes;
mod check;
mod config;
mod contexts;
mod coverage;
mod demo;
mod diff;
mod drift;
mod explain;
mod extract;
mod history;
mod hooks;
mod import;
mod init;
mod manual;
mod rehearse;
mod restore;
mod schema;
mod status;
mod sync;
mod twins;
mod verify;
mod version;

use std::any::Any;

use proxmox_mpc_engine::check::{CheckReport, CheckRulesReport};
use proxmox_mpc_engine::commands::Schemas;
use proxmox_mpc_engine::coverage::CoverageReport;
use proxmox_mpc_engine::demo::Demonstration;
use proxmox_mpc_engine::drift::{AcceptReport, AdoptReport, DriftReport};
use proxmox_mpc_engine::explain::Rules;
use proxmox_mpc_engine::extract::ExtractReport;
use proxmox_mpc_engine::hooks::HooksReport;
use proxmox_mpc_engine::import::ImportReport;
use proxmox_mpc_engine::init::InitReport;
use proxmox_mpc_engine::operation::Report;
use proxmox_mpc_engine::operation::report::ReportType;
use proxmox_mpc_engine::rehearse::Rehearsal;
use proxmox_mpc_engine::settings::config::{SettingChange, SettingReport, SettingsReport};
use proxmox_mpc_engine::settings::contexts::{ContextChoice, ContextsReport, CurrentContext};
use proxmox_mpc_engine::sync::SyncReport;
use proxmox_mpc_engine::timeline::{DiffReport, HistoryReport, RestoreReport, StatusReport};
use proxmox_mpc_engine::twins::{LimitsReport, ServeReport, Synthesis};
use proxmox_mpc_engine::verify::Proof;
use proxmox_mpc_engine::version::Versions;

use crate::page::Page;
use crate::reports::{Completions, Manual};

/// A report that people can read.
trait Printed: ReportType {
    /// Writes it as a page.
    fn page(&self, page: &mut Page);

    /// Writes it in a line or two, for people who asked for quiet. Problems are counted, not listed.
    fn brief(&self, page: &mut Page) {
        self.page(page);
    }
}

/// Length of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Everything.
    Full,
    /// A line or two.
    Brief,
}

/// The printer of one kind of report.
struct Printer {
    kind: &'static str,
    print: fn(&dyn Any, Length, &mut Page) -> bool,
}

impl Printer {
    const fn of<R: Printed>() -> Self {
        let print: fn(&dyn Any, Length, &mut Page) -> bool = |report, length, page| {
            let Some(report) = report.downcast_ref::<R>() else { return false };
            match length {
                Length::Full => report.page(page),
                Length::Brief => report.brief(page),
            }
            true
        };
        Self { kind: R::KIND, print }
    }
}

const PRINTERS: [Printer; 32] = [
    Printer::of::<Demonstration>(),
    Printer::of::<InitReport>(),
    Printer::of::<ImportReport>(),
    Printer::of::<SyncReport>(),
    Printer::of::<StatusReport>(),
    Printer::of::<DiffReport>(),
    Printer::of::<DriftReport>(),
    Printer::of::<AdoptReport>(),
    Printer::of::<AcceptReport>(),
    Printer::of::<HistoryReport>(),
    Printer::of::<RestoreReport>(),
    Printer::of::<ExtractReport>(),
    Printer::of::<CheckReport>(),
    Printer::of::<CheckRulesReport>(),
    Printer::of::<HooksReport>(),
    Printer::of::<Proof>(),
    Printer::of::<Rehearsal>(),
    Printer::of::<CoverageReport>(),
    Printer::of::<Rules>(),
    Printer::of::<ServeReport>(),
    Printer::of::<Synthesis>(),
    Printer::of::<LimitsReport>(),
    Printer::of::<SettingsReport>(),
    Printer::of::<SettingReport>(),
    Printer::of::<SettingChange>(),
    Printer::of::<ContextsReport>(),
    Printer::of::<CurrentContext>(),
    Printer::of::<ContextChoice>(),
    Printer::of::<Schemas>(),
    Printer::of::<Versions>(),
    Printer::of::<Completions>(),
    Printer::of::<Manual>(),
];

/// Writes a report for people. False if there is no printer for its kind, which is a bug.
#[must_use]
pub(crate) fn print(report: &dyn Report, length: Length, page: &mut Page) -> bool {
    let printer = PRINTERS.iter().find(|printer| printer.kind == report.kind());
    printer.is_some_and(|printer| (printer.print)(report as &dyn Any, length, page))
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_engine::commands::COMMANDS;

    use super::*;

    #[test]
    fn every_report_of_the_engine_has_a_printer() {
        for command in COMMANDS {
            assert!(PRINTERS.iter().any(|printer| printer.kind == command.report), "{}", command.name);
        }
    }
}
