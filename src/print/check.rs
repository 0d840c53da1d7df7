//! Findings of `check` for people, as a compiler shows them, and in the forms of code hosts.

mod github;
mod sarif;

use proxmox_mpc_code::check::{Finding, Place, Severity};
use proxmox_mpc_engine::check::{CheckFormat, CheckReport, CheckRulesReport};
use proxmox_mpc_engine::operation::report::Document;

use super::Printed;
use super::changes::plural;
use crate::page::{Page, Table};

impl Printed for CheckReport {
    fn page(&self, page: &mut Page) {
        match self.printed_as {
            CheckFormat::Text => {
                self.findings.iter().for_each(|finding| shown(finding, page));
                self.brief(page);
            }
            CheckFormat::Json => page.raw(&format!("{}\n", pretty(&Document::of(self)))),
            CheckFormat::Sarif => page.raw(&format!("{}\n", pretty(&sarif::log(self)))),
            CheckFormat::Github => self.findings.iter().for_each(|finding| page.line(github::annotation(finding))),
        }
    }

    fn brief(&self, page: &mut Page) {
        if self.printed_as != CheckFormat::Text {
            return self.page(page);
        }
        page.blank();
        let read =
            format!("{} in {}", plural(self.resources, "resource", "resources"), plural(self.files, "file", "files"));
        let ignored = match self.ignored {
            0 => String::new(),
            number => format!("; {number} ignored by comments"),
        };
        if self.findings.is_empty() {
            return page.good(format!("{read}: no findings{ignored}"));
        }
        let counts =
            [(self.errors, "error", "errors"), (self.warnings, "warning", "warnings"), (self.notes, "note", "notes")];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| plural(number, one, many))
            .collect();
        let line = format!("{read}: {}{ignored}", counts.join(", "));
        if self.errors > 0 { page.bad(line) } else { page.line(line) }
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a report is plain data")
}

/// A finding as a compiler shows it: the line, what is wrong in it, and what helps.
fn shown(finding: &Finding, page: &mut Page) {
    page.blank();
    let head = format!("{}[{}]: {}", finding.severity, finding.rule, finding.message);
    match finding.severity {
        Severity::Error => page.bad(head),
        Severity::Warning | Severity::Note => page.heading(head),
    }
    let places = finding.related.iter().map(|related| &related.place).chain([&finding.place]);
    let width = places.map(|place| place.line.to_string().len()).max().unwrap_or(1);
    excerpt(&finding.place, "-->", '^', "", width, page);
    for related in &finding.related {
        excerpt(&related.place, ":::", '-', &related.label, width, page);
    }
    let blank = " ".repeat(width);
    if let Some(address) = &finding.address {
        page.line(format!("{blank} = in `{address}`"));
    }
    finding.help.iter().for_each(|help| page.line(format!("{blank} = help: {help}")));
    page.line(format!("{blank} = `proxmox-mpc check --explain {}`", finding.rule));
}

/// The line of a place with a mark below it.
fn excerpt(place: &Place, arrow: &str, mark: char, label: &str, width: usize, page: &mut Page) {
    let blank = " ".repeat(width);
    page.line(format!("{blank} {arrow} {}:{}:{}", place.file, place.line, place.column));
    page.line(format!("{blank} |"));
    page.line(format!("{:>width$} | {}", place.line, place.source.replace('\t', " ")));
    let length = place.source.chars().count();
    let end = if place.end_line == place.line { place.end_column } else { length + 1 };
    let marks = end.min(length + 1).saturating_sub(place.column).max(1);
    let indent = " ".repeat(place.column.saturating_sub(1));
    let marks: String = std::iter::repeat_n(mark, marks).collect();
    page.line(format!("{blank} | {indent}{marks} {label}").trim_end());
}

impl Printed for CheckRulesReport {
    fn page(&self, page: &mut Page) {
        if self.asked.is_none() {
            let mut table = Table::new(["RULE", "NAME", "LEVEL", "SUMMARY"]);
            for rule in &self.rules {
                table.row([rule.code.clone(), rule.name.clone(), rule.severity.to_string(), rule.summary.clone()]);
            }
            return page.table(&table);
        }
        for rule in &self.rules {
            page.heading(format!("{}  {} ({})", rule.code, rule.name, rule.severity));
            page.line(&rule.summary);
            page.heading("Case");
            rule.case.lines().for_each(|line| page.line(format!("  {line}").trim_end()));
            page.heading("Why it matters");
            page.line(&rule.why);
            page.heading("The way out");
            page.line(&rule.remedy);
        }
    }
}
