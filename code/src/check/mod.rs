//! Check: rules that read Terraform code of the provider bpg/proxmox and find what Terraform or Proxmox will refuse, and what
//! people will be sorry for. Needs no network and no Terraform.

mod capacity;
mod code;
mod conformity;
mod duplicates;
mod finding;
mod generated;
mod ignore;
mod objects;
mod protection;
pub mod provider;
mod recorded;
mod references;
mod refused;
mod rule;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use code::roots;
pub use finding::{Finding, Place, Related};
pub use recorded::Recorded;
pub use rule::{Level, Rule, Severity};

use crate::configuration::Configuration;
use code::Code;
use finding::{Draft, Lines, Spot};
use generated::GeneratedBlocks;

/// Every rule, in the order of their codes.
pub static RULES: [&Rule; 30] = [
    &code::UNREADABLE_FILE,
    &ignore::WITHOUT_REASON,
    &ignore::UNKNOWN_RULE,
    &ignore::UNUSED,
    &ignore::EXPIRED,
    &duplicates::VMID,
    &duplicates::MAC,
    &duplicates::IP,
    &duplicates::ADDRESS,
    &duplicates::IMPORT,
    &duplicates::OBJECT,
    &references::NODE,
    &references::STORAGE,
    &references::BRIDGE,
    &references::POOL,
    &references::VOLUME,
    &references::MAPPING,
    &references::PERMISSION,
    &references::TEMPLATE,
    &references::NETWORK,
    &references::CONTENT,
    &conformity::UNKNOWN_TYPE,
    &conformity::UNKNOWN_ATTRIBUTE,
    &conformity::READ_ONLY,
    &conformity::MISSING,
    &conformity::WRONG_TYPE,
    &refused::VALUE,
    &secrets::SECRET,
    &protection::DESTROY,
    &capacity::NODE,
];

/// Code to check.
#[derive(Clone, Copy)]
pub struct CheckInput<'a> {
    /// The files of the workspace, by path relative to it.
    pub files: &'a BTreeMap<String, String>,
    /// The folder of the root module.
    pub root: &'a str,
    /// The same files as they were generated, from one sync or several. What stands in them byte for byte is what the cluster
    /// has: nothing is found there, but secrets.
    pub generated: &'a [BTreeMap<String, String>],
    /// The cluster, as far as a recording tells of it.
    pub recorded: Option<&'a Recorded>,
    /// The version of the provider in the lock file.
    pub provider: Option<&'a str>,
    /// The settings.
    pub options: &'a CheckOptions,
}

/// Settings of a check.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// Levels of rules, by code or name.
    pub levels: BTreeMap<String, Level>,
    /// Day of the check, `2026-12-31`, for ignore comments that end. Without it, none ends.
    pub today: Option<String>,
}

/// Findings in a root module and in the modules that it calls, sorted by file and line.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Number of findings that ignore comments hide.
    pub ignored: usize,
    /// Number of resource instances.
    pub resources: usize,
    /// The files that were read.
    pub files: BTreeSet<String>,
}

/// The rule with a code or a name.
pub fn rule(word: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.is_named(word))
}

/// Checks a root module.
pub fn check(input: CheckInput<'_>) -> Checked {
    // What was generated is known to be valid, and is parsed once instead of twice.
    let none = BTreeMap::new();
    let generated = input.generated.first().unwrap_or(&none);
    let configuration = Configuration::read_beside(input.files, input.root, generated);
    let code = Code::read(&configuration, input.files, input.provider);
    let mut drafts = code.unreadable();
    for find in [
        duplicates::find as fn(&Code<'_, '_>, Option<&Recorded>, &mut Vec<Draft>),
        references::find,
        conformity::find,
        refused::find,
        protection::find,
        capacity::find,
    ] {
        find(&code, input.recorded, &mut drafts);
    }
    let hidden = secrets::find(&code, &mut drafts);
    let resources = configuration.instances().len();
    finish(input, &code.files, drafts, &hidden, resources)
}

/// Applies levels and ignore comments, and turns bytes into lines.
fn finish(
    input: CheckInput<'_>,
    files: &BTreeSet<String>,
    drafts: Vec<Draft>,
    hidden: &[Spot],
    resources: usize,
) -> Checked {
    let options = input.options;
    let mut lines = Lines::new(input.files, hidden);
    let mut comments = ignore::read(input.files, files, options.today.as_deref());
    let mut checked = Checked { resources, files: files.clone(), ..Checked::default() };
    let mut known = BTreeSet::new();
    let mut generated = GeneratedBlocks::new(input.files, input.generated);
    let add = |draft: Draft, lines: &mut Lines<'_>, checked: &mut Checked| {
        let Some(severity) = severity(draft.rule, options) else { return };
        checked.findings.push(lines.finding(draft, severity));
    };
    for mut draft in drafts {
        draft.narrow(input.files);
        // Two findings of one rule at one place are one: of each instance of a `for_each`. In JSON syntax places are coarse.
        let message = if draft.spot.is_json() { draft.message.clone() } else { String::new() };
        if severity(draft.rule, options).is_none() || !known.insert((draft.rule.code, draft.spot.clone(), message)) {
            continue;
        }
        if draft.rule != &secrets::SECRET && generated.have(&draft) {
            continue;
        }
        let line = lines.line(&draft.spot.file, draft.spot.start);
        if comments.hide(draft.rule, &draft.spot.file, line) {
            checked.ignored += 1;
        } else {
            add(draft, &mut lines, &mut checked);
        }
    }
    let is_off = |rule: &Rule| severity(rule, options).is_none();
    for draft in comments.drafts(is_off) {
        add(draft, &mut lines, &mut checked);
    }
    checked.findings.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.place.file.clone(), finding.place.line, finding.place.column);
        (key(one), &one.rule).cmp(&(key(other), &other.rule))
    });
    checked
}

/// The severity of a rule after the settings; `None` if it is off.
fn severity(rule: &Rule, options: &CheckOptions) -> Option<Severity> {
    let level = options.levels.iter().find(|(word, _)| rule.is_named(word)).map(|(_, level)| *level);
    level.map_or(Some(rule.severity), Level::severity)
}
