//! Why the provider sees a difference or an error, and what to do about it: first what was changed in the code, then
//! what is known of the provider.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::event::Diagnostic;
use crate::toolchain::terraform::{Action, AttributeDifference, Difference};
use crate::verify::comparison::{Change, Comparison, Origin};
use crate::verify::known::{ANY, CONTAINER, CREATED, DESTROYED, ERRORS, GOES_ALONG, IMPORT_AGAIN, Known, STORAGE, VM};
use crate::verify::proof::{Against, ExplainedDifference, ExplainedError};
use crate::verify::values::sides;

/// Why something differs or fails, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The attribute that it is about, without indexes; empty for an error or for a whole object.
    pub attribute: Cow<'static, str>,
    /// Why, as a sentence.
    pub why: Cow<'static, str>,
    /// What to do, as a sentence.
    pub what_to_do: Cow<'static, str>,
}

impl From<Known> for Explanation {
    fn from(known: Known) -> Self {
        Self { attribute: known.attribute.into(), why: known.why.into(), what_to_do: known.what_to_do.into() }
    }
}

impl Explanation {
    fn new(attribute: &str, why: impl Into<Cow<'static, str>>, what_to_do: impl Into<Cow<'static, str>>) -> Self {
        Self { attribute: attribute.to_owned().into(), why: why.into(), what_to_do: what_to_do.into() }
    }
}

const MEANT: &str = "If you mean it, `proxmox-mpc rehearse` shows what applying it would do; if not, put the old value back, \
                     or import again with `--force`, which overwrites the file and keeps a copy.";
const NOT_MEANT: &str = "Do not apply: the object would be destroyed and made again. Put the old value back, or import again \
                         with `--force`, which overwrites the file and keeps a copy.";
const FOLLOWS: &str = "Something else of this object was changed in the code, and this follows from it.";

/// How many attributes one sentence names.
const NAMED: usize = 3;
/// How much of a value stands in a sentence, in characters.
const SHORT: usize = 60;

/// What explanations are made from.
pub(super) struct Explainer<'c> {
    /// What the code was planned against.
    pub(super) against: Against,
    /// The code and what an import would write, where there is a recording.
    pub(super) comparison: Option<&'c Comparison>,
}

impl Explainer<'_> {
    /// Adds what is known to a difference, once for each attribute.
    pub(super) fn difference(&self, difference: Difference) -> ExplainedDifference {
        if let Some(explanation) = self.import_id(&difference.address) {
            let following = difference.attributes.iter().map(|found| root(&found.path).to_owned()).collect();
            return ExplainedDifference { difference, explanations: vec![explanation], following };
        }
        let mut explanations = self.explanations(&difference);
        let mut following = BTreeSet::new();
        if difference.action == Action::Replace {
            let follows = |explanation: &Explanation| explanation.why == FOLLOWS;
            following.extend(explanations.extract_if(.., |one| follows(one)).map(|one| one.attribute.into_owned()));
        }
        ExplainedDifference { difference, explanations, following }
    }

    fn explanations(&self, difference: &Difference) -> Vec<Explanation> {
        let mut explanations: Vec<Explanation> = Vec::new();
        for found in by_name(&difference.attributes) {
            let explanation = self.attribute(difference, &found);
            if !explanations.contains(&explanation) {
                explanations.push(explanation);
            }
        }
        // What is special says more than that something differs.
        if explanations.iter().any(|explanation| !explanation.attribute.is_empty()) {
            explanations.retain(|explanation| !explanation.attribute.is_empty());
        }
        match difference.action {
            Action::Create => explanations.push(self.created(&difference.address)),
            Action::Destroy => explanations.push(self.destroyed(&difference.address)),
            Action::Update | Action::Replace | Action::Other => {}
        }
        explanations
    }

    /// Why one attribute differs.
    fn attribute(&self, difference: &Difference, found: &[&AttributeDifference]) -> Explanation {
        let name = root(&found[0].path);
        let address = &difference.address;
        let known = known(address, name);
        let meant = if difference.action == Action::Replace { NOT_MEANT } else { MEANT };
        let origin = self.comparison.map_or(Origin::Unknown, |comparison| comparison.attribute(address, name));
        match origin {
            Origin::Changed(change) => {
                let why = format!("The code was changed since the import: {}.", self.sentence(address, found, &change));
                Explanation::new(name, why, meant)
            }
            Origin::Own(change) => Explanation::new(name, self.sentence(address, found, &change) + ".", meant),
            Origin::Older(change) => {
                let sentence = self.sentence(address, found, &change);
                Explanation::new(name, format!("The code is of another recording: {sentence}."), IMPORT_AGAIN)
            }
            Origin::NoLongerIgnored(place) => {
                let why = match known {
                    Some(known) => known.why,
                    None => "An import leaves it to Proxmox.",
                };
                let why = format!("`{name}` was taken out of `ignore_changes` ({place}). {why}");
                Explanation::new(name, why, "Put it back there.")
            }
            Origin::AsGenerated if goes_along(name) => known.unwrap_or(ANY[0]).into(),
            Origin::AsGenerated
                if self.comparison.is_some_and(|comparison| !comparison.changed(address).is_empty()) =>
            {
                Explanation::new(name, FOLLOWS, GOES_ALONG)
            }
            Origin::AsGenerated if self.against == Against::Cluster => {
                let values = self.values(found, None);
                let why = format!("The cluster was changed since the import, and the code was not: {values}.");
                Explanation::new(name, why, IMPORT_AGAIN)
            }
            Origin::AsGenerated => known.unwrap_or(ANY[0]).into(),
            Origin::Unknown => match known {
                Some(known) => {
                    let why = format!("The code and {} differ. One known cause: {}", self.other(), known.why);
                    Explanation::new(name, why, known.what_to_do)
                }
                None => ANY[0].into(),
            },
        }
    }

    /// What the code says, where, and what the other side has instead.
    fn sentence(&self, address: &str, found: &[&AttributeDifference], change: &Change) -> String {
        match change {
            Change::Through(reference, place) => format!(
                "`{}` refers to `{reference}` ({place}), which is another now: {}",
                root(&found[0].path),
                self.values(found, None)
            ),
            Change::Added(_) | Change::Removed(_) | Change::Other(_) => self.values(found, Some(address)),
        }
    }

    /// The values of both sides, with the places of the code where its address is given. Of a whole element that only
    /// one side has, that is said once.
    fn values(&self, found: &[&AttributeDifference], address: Option<&str>) -> String {
        let mut facts: Vec<String> = Vec::new();
        for one in found {
            let element = element(&one.path);
            let place = address.and_then(|address| self.comparison?.place(address, element.unwrap_or(&one.path)));
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            let alike: Vec<_> = found.iter().filter(|other| self::element(&other.path) == element).collect();
            let path = element.filter(|_| alike.len() > 1);
            let fact = match path {
                Some(path) if alike.iter().all(|one| one.before.is_null()) => {
                    format!("`{path}` is in the code{place} and not in {}", self.other())
                }
                Some(path) if alike.iter().all(|one| one.after.is_null()) => {
                    format!("`{path}` is in {} and not in the code", self.other())
                }
                _ => {
                    let (before, after) = sides(&one.before, &one.after, SHORT);
                    format!("`{}` is {after} in the code{place} and {before} in {}", one.path, self.other())
                }
            };
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
        let more = facts.len().saturating_sub(NAMED);
        facts.truncate(NAMED);
        if more > 0 {
            facts.push(format!("and {more} more"));
        }
        facts.join("; ")
    }

    /// What the code was planned against.
    fn other(&self) -> &'static str {
        match self.against {
            Against::Twin => "the recording",
            Against::Cluster => "the cluster",
        }
    }

    /// What is so where the `import` block names another object than an import would: everything differs then.
    fn import_id(&self, address: &str) -> Option<Explanation> {
        let (import, expected) = self.comparison?.other_import(address)?;
        let why = format!(
            "The `import` block was changed since the import: its id is `{}` ({}), and the object's is `{expected}`.",
            import.id, import.location
        );
        Some(Explanation::new("", why, format!("Write `{expected}` there.")))
    }

    /// To which address the code imports an object that an import would give this one.
    pub(super) fn renamed(&self, address: &str) -> Option<String> {
        self.comparison?.renamed(address).cloned()
    }

    fn created(&self, address: &str) -> Explanation {
        let Some(comparison) = self.comparison else { return CREATED.into() };
        let place = comparison.block(address).map(|place| format!(" ({place})")).unwrap_or_default();
        if comparison.knows(address) {
            let why =
                format!("Nothing imports this object{place} any more: its `import` block was taken out of the code.");
            return Explanation::new("", why, "Put the block back, or import again with `--force`.");
        }
        let why = format!("The code has a block{place} that nothing imports and that is not in the state.");
        Explanation::new("", why, CREATED.what_to_do)
    }

    fn destroyed(&self, address: &str) -> Explanation {
        if !self.comparison.is_some_and(|comparison| comparison.knows(address)) {
            return DESTROYED.into();
        }
        Explanation::new(
            "",
            "Its block was removed from the code since the import, and the state still has the object.",
            "Do not apply: it would be destroyed. Put the block back; or `terraform state rm` the address, and Terraform \
             lets go of the object.",
        )
    }

    /// Adds what is known to an error.
    pub(super) fn error(&self, diagnostic: Diagnostic) -> ExplainedError {
        let explanation = self.cause(&diagnostic);
        ExplainedError { diagnostic, explanation }
    }

    fn cause(&self, diagnostic: &Diagnostic) -> Option<Explanation> {
        let says = |text: &str| diagnostic.summary.contains(text) || diagnostic.detail.contains(text);
        let addresses = addresses(&diagnostic.detail);
        if let Some(explanation) = addresses.iter().find_map(|address| self.import_id(address)) {
            return Some(explanation);
        }
        if says("has not been declared")
            || says("import target does not exist")
            || says("target resource does not exist")
        {
            let removed = addresses.iter().find_map(|address| self.removed(address));
            if removed.is_some() {
                return removed;
            }
        }
        let protected = says("lifecycle.prevent_destroy");
        let own = diagnostic.address.iter().chain(addresses.iter().filter(|_| protected));
        let changed = own.into_iter().find_map(|address| self.edited(address, protected));
        let known = ERRORS.iter().find(|(text, _)| says(text)).map(|(_, known)| Explanation::from(*known));
        if protected { changed.or(known) } else { known.or(changed) }
    }

    /// What is so where the block of an object was taken out of the code, or has another name now.
    fn removed(&self, address: &str) -> Option<Explanation> {
        let comparison = self.comparison?;
        let place = comparison.removed(address)?;
        let why =
            format!("The block of `{address}` was removed from the code: an import writes it into {}.", place.file);
        if let [(stranger, place)] = comparison.strangers(address)[..] {
            let label = stranger.rsplit('.').next().unwrap_or_default();
            let why = format!("{why} `{stranger}` ({place}) may be the same under a new name.");
            let what = format!(
                "Give the object its new name in the mapping (`proxmox-mpc import --dry-run --output json`, then \
                 `--mapping`), which renames every reference to `{label}`; or put the old name back."
            );
            return Some(Explanation::new("", why, what));
        }
        Some(Explanation::new(
            "",
            why,
            "Put it back, or import again with `--force`. To keep the object out of the code, set `\"skip\": true` in the \
             mapping (`proxmox-mpc import --dry-run --output json`, then `--mapping`).",
        ))
    }

    /// What of the object that an error is about was changed.
    fn edited(&self, address: &str, protected: bool) -> Option<Explanation> {
        let comparison = self.comparison?;
        let changed = comparison.changed(address);
        if changed.is_empty() {
            return None;
        }
        let names: Vec<String> = changed.iter().map(|(name, place)| format!("`{name}` ({place})")).collect();
        let why = format!("The code of `{address}` was changed since the import: {}.", names.join(", "));
        Some(if protected {
            let why = format!("{why} Such a change replaces the object, which `prevent_destroy` keeps from happening.");
            Explanation::new("", why, NOT_MEANT)
        } else {
            Explanation::new(
                "",
                why,
                "Correct it, or import again with `--force`, which overwrites the file and keeps a copy.",
            )
        })
    }
}

/// The differences of each attribute together, in the order of their first ones.
fn by_name(attributes: &[AttributeDifference]) -> Vec<Vec<&AttributeDifference>> {
    let mut groups: Vec<Vec<&AttributeDifference>> = Vec::new();
    for found in attributes {
        match groups.iter_mut().find(|group| root(&group[0].path) == root(&found.path)) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    groups
}

/// The name of an attribute, without indexes and what is inside.
pub fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// The element of a list that a path leads into: `network_device[1]` of `network_device[1].bridge`.
fn element(path: &str) -> Option<&str> {
    path.find("].").map(|end| &path[..=end])
}

/// The addresses that a text names: words of the form `proxmox_….name`, and Terraform's `resource "type" "name"`.
fn addresses(text: &str) -> Vec<String> {
    let plain = text.replace("\" \"", ".");
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let words = plain.split(|c| !word(c)).map(|found| found.trim_matches('.'));
    words.filter(|found| found.starts_with("proxmox_") && found.contains('.')).map(str::to_owned).collect()
}

/// The row about an attribute, where there is one of its own.
fn known(address: &str, name: &str) -> Option<Known> {
    let address = address.split('[').next().unwrap_or(address);
    let resource = address.rsplit_once('.').map_or(address, |(resource, _)| resource);
    let table = match resource.rsplit('.').next().unwrap_or(resource) {
        "proxmox_virtual_environment_vm" => VM,
        "proxmox_virtual_environment_container" => CONTAINER,
        resource if resource.starts_with("proxmox_storage_") => STORAGE,
        _ => return None,
    };
    let is_about = |known: &str| known == name || (known.ends_with('_') && name.starts_with(known));
    table.iter().find(|known| is_about(known.attribute)).copied()
}

/// Attributes that the provider reads again whenever another one changes.
fn goes_along(name: &str) -> bool {
    ["ipv4_addresses", "ipv6_addresses", "network_interface_names"].contains(&name)
}

#[cfg(test)]
mod tests;
