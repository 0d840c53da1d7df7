//! Table of lists whose rows Proxmox also gives one by one.

use serde_json::{Map, Value, json};

use self::Adjust::{Members, Privileges, Same, TextPosition, Without};
use self::Missing::{Absent, Message, Parameter, Unseen};
use super::deriver::{Derivation, Deriver, Row, with_queries};
use crate::object::text;
use crate::refusals::invalid;
use crate::{Answer, Answers, ApiPath, Unreadable};

/// Rule that derives a single answer from a list.
struct Rule {
    /// The path of the single answer; `{}` stands for any segment, the last one for the id.
    single: &'static str,
    /// The path of the list; `{0}` is the first `{}` of the single path.
    list: &'static str,
    /// The key of a row that holds the id.
    key: &'static str,
    /// The difference between the row and the single answer.
    adjust: Adjust,
    /// The refusal where the list does not have the id.
    missing: Missing,
}

/// Difference between a row of a list and the single answer.
enum Adjust {
    /// No difference.
    Same,
    /// The single answer lacks these keys.
    Without(&'static [&'static str]),
    /// The position in a list is a number, that of a single rule is text (docs/proxmox.md, "JSON types").
    TextPosition,
    /// The list has the privileges of a role as text, the single answer as keys.
    Privileges,
    /// The single answer has more keys; the list only proves that an id does not exist.
    More,
    /// The list has the members of a group as text, the single answer as a list.
    Members,
}

/// Refusal where the list does not have the id, which stands for `{}`.
enum Missing {
    /// Not recorded so far.
    Unseen,
    /// This message, with status 500.
    Message(&'static str),
    /// This message, with status 404.
    Absent(&'static str),
    /// A wrong parameter and its complaint, with status 400.
    Parameter(&'static str, &'static str),
}

const fn rule(single: &'static str, list: &'static str, key: &'static str, adjust: Adjust, missing: Missing) -> Rule {
    Rule { single, list, key, adjust, missing }
}

/// Measured against both recorded clusters (docs/proxmox.md, "JSON types"). Lists that lack a single answer's keys are
/// not here (realms, metric servers), but for a digest, which only writes ask for.
static RULES: &[Rule] = &[
    rule("storage/{}", "storage", "storage", Same, Message("storage '{}' does not exist")),
    rule(
        "nodes/{}/storage/{}/status",
        "nodes/{0}/storage",
        "storage",
        Without(&["storage", "used_fraction"]),
        Message("storage '{}' does not exist"),
    ),
    rule(
        "nodes/{}/network/{}",
        "nodes/{0}/network",
        "iface",
        Without(&["iface"]),
        Parameter("iface", "interface does not exist"),
    ),
    rule("nodes/{}/firewall/rules/{}", "nodes/{0}/firewall/rules", "pos", TextPosition, NO_RULE),
    rule("nodes/{}/{}/{}/firewall/rules/{}", "nodes/{0}/{1}/{2}/firewall/rules", "pos", TextPosition, NO_RULE),
    rule("nodes/{}/{}/{}/firewall/aliases/{}", "nodes/{0}/{1}/{2}/firewall/aliases", "name", NO_DIGEST, NO_ALIAS),
    rule("nodes/{}/{}/{}/firewall/ipset/{}/{}", "nodes/{0}/{1}/{2}/firewall/ipset/{3}", "cidr", Same, NO_ADDRESS),
    rule("cluster/firewall/rules/{}", "cluster/firewall/rules", "pos", TextPosition, NO_RULE),
    rule("cluster/firewall/groups/{}/{}", "cluster/firewall/groups/{0}", "pos", TextPosition, NO_RULE),
    rule("cluster/firewall/aliases/{}", "cluster/firewall/aliases", "name", NO_DIGEST, NO_ALIAS),
    rule("cluster/firewall/ipset/{}", "cluster/firewall/ipset", "name", Adjust::More, NO_SET),
    rule("nodes/{}/{}/{}/firewall/ipset/{}", "nodes/{0}/{1}/{2}/firewall/ipset", "name", Adjust::More, NO_SET),
    rule("cluster/firewall/ipset/{}/{}", "cluster/firewall/ipset/{0}", "cidr", Same, NO_ADDRESS),
    rule(
        "cluster/sdn/vnets/{}/firewall/rules/{}",
        "cluster/sdn/vnets/{0}/firewall/rules",
        "pos",
        TextPosition,
        NO_RULE,
    ),
    rule("cluster/sdn/vnets/{}/subnets/{}", "cluster/sdn/vnets/{0}/subnets", "subnet", Same, NO_SUBNET),
    rule("cluster/sdn/vnets/{}", "cluster/sdn/vnets", "vnet", Same, Message("sdn vnet '{}' does not exist")),
    rule("cluster/sdn/zones/{}", "cluster/sdn/zones", "zone", Same, NO_SDN),
    rule("cluster/sdn/controllers/{}", "cluster/sdn/controllers", "controller", Same, NO_SDN),
    rule("cluster/sdn/dns/{}", "cluster/sdn/dns", "dns", Same, NO_SDN),
    rule("cluster/sdn/ipams/{}", "cluster/sdn/ipams", "ipam", Same, NO_SDN),
    rule(
        "cluster/sdn/fabrics/fabric/{}",
        "cluster/sdn/fabrics/fabric",
        "id",
        Same,
        Message("fabric '{}' does not exist in configuration"),
    ),
    rule("cluster/ha/groups/{}", "cluster/ha/groups", "group", Same, Unseen),
    rule("cluster/ha/resources/{}", "cluster/ha/resources", "sid", Same, Message("no such resource '{}'")),
    rule("cluster/ha/rules/{}", "cluster/ha/rules", "rule", Same, Message("no such ha rule '{}'")),
    rule("cluster/mapping/dir/{}", "cluster/mapping/dir", "id", Without(&["id"]), Message("mapping '{}' not found")),
    rule(
        "cluster/qemu/custom-cpu-models/{}",
        "cluster/qemu/custom-cpu-models",
        "cputype",
        Same,
        Message("Custom cputype '{}' not found"),
    ),
    rule("cluster/mapping/pci/{}", "cluster/mapping/pci", "id", Without(&["id"]), Message("mapping '{}' not found")),
    rule("cluster/mapping/usb/{}", "cluster/mapping/usb", "id", Without(&["id"]), Message("mapping '{}' not found")),
    rule("cluster/backup/{}", "cluster/backup", "id", Without(&["next-run"]), Parameter("id", "No such job '{}'")),
    rule("cluster/replication/{}", "cluster/replication", "id", Same, Message("no such replication job '{}'")),
    rule(
        "cluster/jobs/realm-sync/{}",
        "cluster/jobs/realm-sync",
        "id",
        Without(&["id", "last-run", "next-run"]),
        Parameter("id", "No such job '{}'"),
    ),
    rule("cluster/acme/plugins/{}", "cluster/acme/plugins", "plugin", Same, Message("ACME plugin '{}' not defined")),
    rule(
        "cluster/notifications/endpoints/{}/{}",
        "cluster/notifications/endpoints/{0}",
        "name",
        Same,
        Absent("endpoint '{}' not found"),
    ),
    rule(
        "cluster/notifications/matchers/{}",
        "cluster/notifications/matchers",
        "name",
        Same,
        Absent("matcher '{}' not found"),
    ),
    rule(
        "cluster/metrics/server/{}",
        "cluster/metrics/server",
        "id",
        Adjust::More,
        Message("status server entry '{}' does not exist"),
    ),
    rule("access/domains/{}", "access/domains", "realm", Adjust::More, Message("domain '{}' does not exist")),
    rule("access/groups/{}", "access/groups", "groupid", Members, Message("group '{}' does not exist")),
    rule("access/roles/{}", "access/roles", "roleid", Privileges, Message("role '{}' does not exist")),
];

const NO_RULE: Missing = Message("no rule at position {}");
const NO_ALIAS: Missing = Parameter("name", "no such alias");
const NO_ADDRESS: Missing = Parameter("cidr", "no such IP/Network");
const NO_SUBNET: Missing = Message("sdn subnet '{}' does not exist");
/// Zones, controllers, name servers and address managers alike (`PVE::Network::SDN`).
const NO_SDN: Missing = Message("sdn '{}' does not exist");
const NO_SET: Missing = Message("no such IPSet '{}'");
const NO_DIGEST: Adjust = Without(&["digest"]);

/// The single answer from a list, or Proxmox's refusal where the list proves that there is none.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    for rule in RULES {
        let Some(captures) = captures(rule.single, segments) else { continue };
        let Some(id) = captures.last() else { continue };
        let list = with_queries(list_path(rule.list, &captures), query);
        let Some(rows) = deriver.rows(&list, rule.key)? else { continue };
        if let Some(row) = rows.get(*id) {
            if matches!(rule.adjust, Adjust::More) {
                return Ok(None);
            }
            return Ok(Some(Answer::ok(rule.adjust.apply(row))));
        }
        if complete(deriver, segments)? {
            return Ok(rule.missing.answer(id));
        }
    }
    Ok(None)
}

/// Reports whether the lists of this part of the API hide nothing from the login that made the recording.
fn complete<A: Answers>(deriver: &Deriver<A>, segments: &[&str]) -> Result<bool, Unreadable> {
    let permissions = deriver.permissions()?;
    Ok(match segments {
        ["storage", ..] | [_, _, "storage", ..] => permissions.allow_all("/storage", "Datastore.Audit"),
        [_, "sdn", ..] => permissions.allow_all("/sdn", "SDN.Audit"),
        [_, "mapping", ..] => permissions.allow_all("/mapping", "Mapping.Audit"),
        _ => permissions.allow_all("/", "Sys.Audit"),
    })
}

/// The segments that stand for each `{}` of a pattern; `None` where the path does not match.
pub(super) fn captures<'s>(pattern: &str, segments: &[&'s str]) -> Option<Vec<&'s str>> {
    let mut captured = Vec::new();
    let mut parts = pattern.split('/');
    for segment in segments {
        match parts.next()? {
            "{}" => captured.push(*segment),
            part if part == *segment => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(captured)
}

fn list_path(pattern: &str, captures: &[&str]) -> ApiPath {
    ApiPath::new(pattern.split('/').map(|part| {
        let index = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')?.parse::<usize>().ok());
        index.map_or(part, |index| captures[index])
    }))
}

impl Adjust {
    fn apply(&self, row: &Row) -> Value {
        let mut row = row.clone();
        match self {
            Self::Same | Self::More => {}
            Self::Without(keys) => row.retain(|key, _| !keys.contains(&key.as_str())),
            Self::TextPosition => {
                if let Some(position) = row.get("pos").and_then(text) {
                    row.insert("pos".to_owned(), position.into());
                }
            }
            Self::Privileges => {
                let privileges = words(row.get("privs"));
                return Value::Object(privileges.map(|privilege| (privilege, json!(1))).collect::<Map<_, _>>());
            }
            Self::Members => {
                let members: Vec<String> = words(row.get("users")).collect();
                row.retain(|key, _| key != "users" && key != "groupid");
                row.insert("members".to_owned(), members.into());
            }
        }
        Value::Object(row)
    }
}

impl Missing {
    fn answer(&self, id: &str) -> Option<Answer> {
        match self {
            Self::Unseen => None,
            Self::Message(message) => Some(Answer::refusal(500, &message.replace("{}", id))),
            Self::Absent(message) => Some(Answer::refusal(404, &message.replace("{}", id))),
            Self::Parameter(name, message) => Some(invalid(name, &message.replace("{}", id))),
        }
    }
}

/// The items of a list separated by commas.
pub(super) fn words(value: Option<&Value>) -> impl Iterator<Item = String> {
    let text = value.and_then(text).unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}
