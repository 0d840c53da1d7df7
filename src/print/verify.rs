//! Proof for people: errors and differences with what to do about them, and Terraform's counts last.

use std::collections::BTreeMap;

use proxmox_mpc_engine::toolchain::terraform::Action;
use proxmox_mpc_engine::verify::{Against, ExplainedDifference, ExplainedError, Explanation, Proof, root, sides};
use proxmox_mpc_generators::bpg;

use super::Printed;
use crate::page::Page;

/// The number of lines at which lists are cut: after an error every object may be missing.
const MOST: usize = 20;
/// The number of objects that a line names before it only counts them.
const NAMED: usize = 4;
/// The length at which values are cut, in characters: a description may be very long.
const LONGEST: usize = 100;

impl Printed for Proof {
    fn page(&self, page: &mut Page) {
        for errors in alike(&self.errors) {
            error(&errors, page);
        }
        for difference in &self.differences {
            self::difference(difference, page);
        }
        missing(self, page);
        warnings(self, page);
        live(self, page);
        page.blank();
        origin(self, page);
        verdict(self, page);
    }
}

fn missing(proof: &Proof, page: &mut Page) {
    // Without a plan everything is missing from it.
    if proof.missing.is_empty() || proof.counts.is_none() {
        return;
    }
    let (removed, missing): (Vec<&String>, Vec<&String>) = proof
        .missing
        .iter()
        .filter(|address| !proof.renamed.iter().any(|(before, _)| before == *address))
        .partition(|address| proof.removed.contains(address));
    let renamed: Vec<String> = proof.renamed.iter().map(|(before, now)| format!("{before} is now {now}")).collect();
    listed(page, "Renamed in the code, but not in manifest.json:", &renamed.iter().collect::<Vec<_>>());
    if !renamed.is_empty() {
        page.line("  what to do: Give the objects their new names in the mapping (`proxmox-mpc import --dry-run --output json`,");
        page.line("  then `--mapping` and `--force`), so that the next import keeps them; or put the old names back.");
    }
    listed(page, "Removed from the code, but still in manifest.json and in Proxmox:", &removed);
    if !removed.is_empty() {
        page.line(
            "  what to do: Put the blocks back, or import again with `--force`. To keep objects out of the code,",
        );
        page.line(
            "  set `\"skip\": true` in the mapping (`proxmox-mpc import --dry-run --output json`, then `--mapping`).",
        );
    }
    listed(page, "Not in the plan, although the workspace has them:", &missing);
}

/// Writes each warning once: Terraform repeats it for every object.
fn warnings(proof: &Proof, page: &mut Page) {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in &proof.warnings {
        *counted.entry(warning.summary.trim()).or_default() += 1;
    }
    if counted.is_empty() {
        return;
    }
    page.heading("Warnings of the provider, which change nothing:");
    for (summary, count) in counted {
        page.line(format!("  {count} x {summary}"));
    }
}

fn live(proof: &Proof, page: &mut Page) {
    if !proof.live_refusals.is_empty() {
        page.heading(
            "With the login of the recording, a plan against the cluster (`--live`, `terraform plan`) would be refused:",
        );
        let mut counted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for refusal in &proof.live_refusals {
            counted.entry(&refusal.privilege).or_default().push(&refusal.identity);
        }
        for (privilege, objects) in counted {
            let named = objects.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = objects.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            page.line(format!("  {privilege}: {named}{more}"));
        }
    }
    if !proof.grants.is_empty() {
        page.heading("To grant what is missing, run on a node as root:");
        for line in &proof.grants {
            page.line(format!("  {line}"));
        }
        page.line("  (if the role exists already: `pveum role modify ProxmoxMpcPlanner --append 1 --privs …`)");
    }
}

fn origin(proof: &Proof, page: &mut Page) {
    let provider = proof.provider.as_deref().map(|version| format!(", provider {version}")).unwrap_or_default();
    let against = match proof.against {
        Against::Twin => "a twin of the recording",
        Against::Cluster => "the cluster",
    };
    page.line(format!("{}{provider}, against {against}", proof.tool));
    if let Some(warning) = other_version(proof) {
        page.line(warning);
    }
    if let Some(answers) = proof.answers {
        let total = answers.recorded + answers.derived + answers.unknown;
        page.line(format!(
            "{total} answers: {} as recorded, {} derived, {} unknown",
            answers.recorded, answers.derived, answers.unknown
        ));
    }
    if let Some(why) = &proof.whole {
        page.line(format!("All of the code is planned each time: {why}"));
    }
    if proof.unchanged > 0 && proof.proved > 0 {
        let (proved, unchanged) = (proof.proved, proof.unchanged);
        page.line(format!("{proved} objects proved now, {unchanged} proved before and unchanged"));
    }
    if proof.against == Against::Cluster && proof.complete {
        page.line(format!("{} of {} objects are already managed", proof.managed, proof.expected));
    }
}

/// A warning about the provider's version: it is not the one that the workspace pins, or was never run before.
fn other_version(proof: &Proof) -> Option<String> {
    let (installed, pinned) = (proof.provider.as_deref()?, proof.pinned.as_deref()?);
    if installed != pinned {
        return Some(format!(
            "The code was generated for version {pinned} of the provider, but {installed} is installed: \
             `proxmox-mpc import --provider-version` sets the version that the code pins"
        ));
    }
    let known = bpg::VERSIONS.iter().find(|version| version.number == pinned);
    known.is_none_or(|version| !version.proven).then(|| {
        format!("The rules were tested with version {} of the provider, and never with {pinned}", bpg::VERSION)
    })
}

fn verdict(proof: &Proof, page: &mut Page) {
    match proof.counts {
        Some(counts) if proof.clean => page.good(counts.to_string()),
        Some(counts) if proof.complete => {
            page.bad(counts.to_string());
            page.line(if counts.changes_nothing() {
                "The plan changes nothing, but the code and manifest.json have different objects."
            } else {
                "The code is not the cluster."
            });
        }
        Some(counts) => {
            page.bad(format!("{counts}, but Terraform failed: the plan is incomplete and proves nothing"));
        }
        None if proof.clean => {
            page.good(format!("{} objects proved before, unchanged; nothing to do", proof.unchanged));
        }
        None => page.bad("Terraform failed before it had a plan: there is no proof"),
    }
}

/// Writes a heading and the first [`MOST`] addresses; nothing if there are none.
fn listed(page: &mut Page, heading: &str, addresses: &[&String]) {
    if addresses.is_empty() {
        return;
    }
    page.heading(heading);
    for address in addresses.iter().take(MOST) {
        page.line(format!("  {address}"));
    }
    if addresses.len() > MOST {
        page.line(format!("  … and {} more", addresses.len() - MOST));
    }
}

/// Groups errors of the same text: a removed block leads to one for every reference to it.
fn alike(errors: &[ExplainedError]) -> Vec<Vec<&ExplainedError>> {
    let mut groups: Vec<Vec<&ExplainedError>> = Vec::new();
    for error in errors {
        let same = |group: &&mut Vec<&ExplainedError>| {
            let first = &group[0].diagnostic;
            (&first.summary, &first.detail) == (&error.diagnostic.summary, &error.diagnostic.detail)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(error),
            None => groups.push(vec![error]),
        }
    }
    groups
}

fn error(errors: &[&ExplainedError], page: &mut Page) {
    let error = errors[0];
    let addresses: Vec<&str> = errors.iter().filter_map(|error| error.diagnostic.address.as_deref()).collect();
    let more = if addresses.len() > 1 { format!(" and {} more", addresses.len() - 1) } else { String::new() };
    let address = addresses.first().map(|address| format!("{address}{more}: ")).unwrap_or_default();
    page.blank();
    page.bad(format!("{address}{}", error.diagnostic.summary.trim_end()));
    for line in error.diagnostic.detail.lines() {
        page.line(format!("  {line}"));
    }
    explanations(error.explanation.as_slice(), page);
}

fn difference(explained: &ExplainedDifference, page: &mut Page) {
    let difference = &explained.difference;
    let action = match difference.action {
        Action::Create => "would be created",
        Action::Update => "would be changed",
        Action::Replace => "would be REPLACED: destroyed and created again",
        Action::Destroy => "would be DESTROYED",
        Action::Other => "would be touched",
    };
    page.heading(format!("{} {action}", difference.address));
    // Most differences of a replacement follow from the attribute that forces it.
    let (consequences, causes): (Vec<_>, Vec<_>) = difference
        .attributes
        .iter()
        .partition(|attribute| !attribute.replaces && explained.following.contains(root(&attribute.path)));
    for attribute in causes {
        let replaces = if attribute.replaces { "  (forces the replacement)" } else { "" };
        let (before, after) = sides(&attribute.before, &attribute.after, LONGEST);
        page.line(format!("  {}: {before} -> {after}{replaces}", attribute.path));
    }
    if !consequences.is_empty() {
        page.line(format!("  and {} more, which follow from the replacement", consequences.len()));
    }
    explanations(&explained.explanations, page);
}

/// Writes each reason once, reasons of the same remedy together, and that remedy after them.
fn explanations(explanations: &[Explanation], page: &mut Page) {
    let mut remedies: Vec<&str> = Vec::new();
    for explanation in explanations {
        if !remedies.contains(&&*explanation.what_to_do) {
            remedies.push(&explanation.what_to_do);
        }
    }
    for remedy in remedies {
        let mut reasons: Vec<&str> = Vec::new();
        for explanation in explanations.iter().filter(|explanation| explanation.what_to_do == remedy) {
            if !reasons.contains(&&*explanation.why) {
                reasons.push(&explanation.why);
                page.line(format!("  why: {}", explanation.why));
            }
        }
        page.line(format!("  what to do: {remedy}"));
    }
}
