//! Coverage for people: settings that are code, and the reasons why others are not.

use proxmox_mpc_engine::coverage::{CoverageReport, Detail};
use proxmox_mpc_generators::coverage::{Counts, Fate, ObjectCoverage, Outcome};
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::not_read::in_words;

use super::Printed;
use crate::page::{Page, Table};

/// The number of reasons that a page shows before it only counts them.
const SHOWN: usize = 20;

impl Printed for CoverageReport {
    fn page(&self, page: &mut Page) {
        if let Some(document) = &self.markdown {
            return page.raw(document);
        }
        if !self.not_covered.is_empty() {
            page.bad("not covered: this program does not know these settings yet; please report them");
            for (identity, keys) in &self.not_covered {
                wrapped(page, 2, &format!("{identity}: {}", keys.join(", ")));
            }
            page.blank();
        }
        match self.detail {
            Detail::Kinds => page.table(&kinds(self)),
            Detail::Objects => objects(self, page),
            Detail::Keys => keys(self, page),
        }
        if self.detail != Detail::Keys {
            reasons(self, page);
        }
        unreadable(self, page);
        page.blank();
        verdict(self, page);
    }
}

/// A table of the settings of each kind.
fn kinds(report: &CoverageReport) -> Table {
    let mut table = Table::new(["KIND", "OBJECTS", "TERRAFORM", "ANSIBLE", "NO CODE", "COVERED"]);
    let mut row = |title: &str, counts: &Counts| {
        let Counts { objects, terraform, ansible, .. } = *counts;
        let [objects, terraform, ansible, uncoded] =
            [objects, terraform, ansible, uncoded(counts)].map(|number| number.to_string());
        table.row([title.to_owned(), objects, terraform, ansible, uncoded, counts.percentage()]);
    };
    for kind in KINDS {
        if let Some(counts) = report.kinds.get(kind.id) {
            row(kind.title, counts);
        }
    }
    row("all", &report.total);
    table
}

/// Writes two or three lines for each object: how much of it is code, and where.
fn objects(report: &CoverageReport, page: &mut Page) {
    for (identity, object) in &report.objects.objects {
        let counts = Counts::of(object);
        let name = object.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        wrapped(page, 0, &format!("{identity}{name}: {}", whereabouts(object)));
        let Counts { terraform, ansible, default, volatile, .. } = counts;
        let sorts = [
            (terraform, "in Terraform"),
            (ansible, "in Ansible"),
            (default, "at their default"),
            (uncoded(&counts), "in no code"),
            (volatile, "volatile"),
        ];
        let words = sorts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
        let words = words.collect::<Vec<_>>().join(", ");
        wrapped(page, 4, &format!("{} covered; settings: {words}", counts.percentage()));
    }
}

fn keys(report: &CoverageReport, page: &mut Page) {
    for (identity, object) in &report.objects.objects {
        page.blank();
        wrapped(page, 0, &format!("{identity}: {}", whereabouts(object)));
        if let Outcome::Ansible { reason, remedy, .. } | Outcome::NotImportable { reason, remedy } = &object.outcome {
            wrapped(page, 2, reason);
            if let Some(remedy) = remedy {
                wrapped(page, 6, &format!("what helps: {remedy}"));
            }
        }
        for (key, fate) in &object.keys {
            let why = match fate {
                Fate::Ansible(why) | Fate::NotExpressible(why) if !why.is_empty() => format!(": {why}"),
                _ => String::new(),
            };
            wrapped(page, 2, &format!("{key:<20}  {}{why}", fate.word()));
        }
    }
}

fn reasons(report: &CoverageReport, page: &mut Page) {
    if report.reasons.is_empty() {
        return;
    }
    page.heading("not in Terraform, and why (`proxmox-mpc explain K1` prints a rule)");
    let shown = if report.detail == Detail::Kinds { SHOWN } else { usize::MAX };
    for reason in report.reasons.iter().take(shown) {
        let keys: Vec<&str> = reason.keys.iter().take(SHOWN).map(String::as_str).collect();
        let more = if reason.keys.len() > SHOWN { ", …" } else { "" };
        let objects = if reason.objects > reason.examples.len() {
            format!("{} objects", reason.objects)
        } else {
            reason.examples.iter().map(Identity::as_str).collect::<Vec<_>>().join(", ")
        };
        wrapped(page, 2, &format!("{}: {}{more} of {objects}", reason.fate, keys.join(", ")));
        wrapped(page, 6, &reason.reason);
    }
    if report.reasons.len() > shown {
        page.line(format!("  and {} more reasons; `-v` lists them all", report.reasons.len() - shown));
    }
}

fn unreadable(report: &CoverageReport, page: &mut Page) {
    if report.unreadable.is_empty() {
        return;
    }
    page.heading("not readable with this login, and not counted above");
    for group in &report.unreadable {
        let lists = (!group.lists.is_empty()).then(|| format!("the lists of {}", group.lists.join(", ")));
        let objects = group.objects.iter().take(SHOWN).map(Identity::to_string);
        let more = group.objects.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more"));
        let names: Vec<String> = lists.into_iter().chain(objects).chain(more).collect();
        wrapped(page, 2, &format!("{}: {}", names.join(", "), group.reason));
        if !group.missing.is_empty() {
            wrapped(page, 6, &format!("what helps: a role with {}", in_words(&group.missing)));
        }
    }
}

fn verdict(report: &CoverageReport, page: &mut Page) {
    let line = format!("{} of the configuration is covered", report.total.percentage());
    match report.fail_under.filter(|wanted| report.percent < *wanted) {
        Some(wanted) => page.bad(format!("{line}, which is less than {wanted} %")),
        None => page.good(line),
    }
}

/// The number of settings that are configuration and in no code.
fn uncoded(counts: &Counts) -> usize {
    counts.not_expressible + counts.not_covered
}

/// The width of lines outside of tables, in characters.
const WIDTH: usize = 80;

/// Writes text in lines, see [`wrap`].
fn wrapped(page: &mut Page, indent: usize, text: &str) {
    for line in wrap(indent, text) {
        page.line(line);
    }
}

/// Breaks a text into lines, the first indented by `indent` and the others by 4 more. Lines break between words; a word
/// that is longer than a line is broken where the line ends.
fn wrap(indent: usize, text: &str) -> Vec<String> {
    let further = " ".repeat(indent + 4);
    let (mut lines, mut line, mut empty) = (Vec::new(), " ".repeat(indent), true);
    for mut word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, further.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        while let Some((end, _)) = word.char_indices().nth(WIDTH.saturating_sub(line.chars().count())) {
            line.push_str(&word[..end]);
            lines.push(std::mem::replace(&mut line, further.clone()));
            word = &word[end..];
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The place of an object in the code: an address, a file, or why there is none.
fn whereabouts(object: &ObjectCoverage) -> &str {
    match &object.outcome {
        Outcome::Terraform { address } => address,
        Outcome::Ansible { file, .. } => file,
        Outcome::BuiltIn => "comes with Proxmox",
        Outcome::Fact => "a fact",
        Outcome::Excluded => "excluded",
        Outcome::NotImportable { .. } => "in no code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_continue_indented() {
        let check = |indent: usize, text: &str, expected: &[&str]| {
            assert_eq!(wrap(indent, text), expected);
        };
        let word = "x".repeat(38);
        check(2, "a: b", &["  a: b"]);
        check(2, "", &[""]);
        check(0, &format!("{word} {word} {word}"), &[&format!("{word} {word}"), &format!("    {word}")]);
        let long = "y".repeat(100);
        check(2, &long, &[&format!("  {}", &long[..78]), &format!("      {}", &long[78..])]);
        check(0, &format!("a {long}"), &["a", &format!("    {}", &long[..76]), &format!("    {}", &long[76..])]);
        check(0, &"é".repeat(90), &[&"é".repeat(80), &format!("    {}", "é".repeat(10))]);
    }
}
