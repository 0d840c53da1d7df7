//! Overview of a cluster: the lists that everything else depends on, compared with each other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::guest::{Guest, GuestType};
use crate::object::text;
use crate::permissions::Permissions;
use crate::rows::{self, Rows};
use crate::{Answer, AnswerText, Answers, ApiPath, NotRead, Unreadable, VmId, list, shape};

/// The list of everything that a cluster has, guests among it.
pub(crate) const RESOURCES: &str = "cluster/resources";

/// The cluster as these lists show it.
pub(crate) struct Overview {
    /// The nodes by name; true of those that are online.
    pub(crate) nodes: BTreeMap<String, bool>,
    /// The guests by VMID.
    pub(crate) guests: BTreeMap<VmId, Guest>,
    /// The storages as `GET storage` lists them, by id.
    pub(crate) storages: Rows,
    /// The pools as `GET pools` lists them, by id.
    pub(crate) pools: Rows,
    /// The permissions of the login.
    pub(crate) permissions: Permissions,
    /// `version` of `GET version`: `9.1.9`.
    pub(crate) version: Option<String>,
    /// Reasons why one of its lists is not complete, by the path of the list.
    pub(crate) problems: BTreeMap<&'static str, NotRead>,
}

impl Overview {
    /// Reads the lists, as far as they are among these answers.
    pub(crate) fn read(answers: &dyn Answers) -> Result<Self, Unreadable> {
        let get = |path: &str| answers.get(&ApiPath::parse(path));
        let mut problems = BTreeMap::new();
        let mut list = |path: &'static str, key: &str| -> Result<Rows, Unreadable> {
            let (rows, problem) = required_list(answers, path, key)?;
            problems.extend(problem.map(|problem| (path, problem)));
            Ok(rows)
        };
        let (storages, pools) = (list("storage", "storage")?, list("pools", "poolid")?);
        let (nodes, managed) = (list("nodes", "node")?, list("cluster/ha/resources", "sid")?);
        let managed: BTreeSet<String> = managed.into_keys().collect();
        let version = get("version")?.and_then(|answer| answer.data()?.get("version").and_then(text));
        let permissions = get("access/permissions")?;
        let online = |row: &Map<String, Value>| row.get("status").and_then(Value::as_str) == Some("online");
        let mut overview = Self {
            nodes: nodes.iter().map(|(node, row)| (node.clone(), online(row))).collect(),
            guests: BTreeMap::new(),
            storages,
            pools,
            permissions: Permissions::read(permissions.as_ref().and_then(Answer::data)),
            version,
            problems,
        };
        overview.add_resources(answers, &managed)?;
        overview.add_guests_of_nodes(answers, &managed)?;
        Ok(overview)
    }

    /// Reads the guests from the list of everything, and compares the lists of nodes, storages and pools with it.
    fn add_resources(&mut self, answers: &dyn Answers, managed: &BTreeSet<String>) -> Result<(), Unreadable> {
        let everything = [ApiPath::parse(RESOURCES), ApiPath::parse(RESOURCES).with_query("type", "vm")];
        let mut lacking: BTreeMap<&'static str, String> = BTreeMap::new();
        let resources = || ApiPath::parse(RESOURCES);
        let mut problem = Some(NotRead::NotOnRecord { request: resources() });
        for path in everything {
            let Some(answer) = answers.text(&path)?.filter(AnswerText::is_known) else { continue };
            let read = shape::each_row(&path, &answer, |row| {
                for (list, name) in named_by(&row) {
                    let known = match list {
                        "nodes" => self.nodes.contains_key(name),
                        "storage" => self.storages.contains_key(name),
                        _ => self.pools.contains_key(name),
                    };
                    if !known {
                        lacking.insert(list, name.to_owned());
                    }
                }
                let Some(guest) = guest(&row, managed)? else { return Ok(()) };
                self.guests.insert(guest.vmid, guest);
                Ok(())
            })?;
            problem = read.err();
            break;
        }
        for (list, name) in lacking {
            self.problems.entry(list).or_insert_with(|| NotRead::Disagreement {
                list: ApiPath::parse(list),
                lacking: vec![name],
                more: 0,
                named_by: resources(),
            });
        }
        self.problems.extend(problem.map(|problem| (RESOURCES, problem)));
        Ok(())
    }

    /// Reads the guests from the lists of the nodes, which count more than the list of everything: the nodes report to that
    /// one every ten seconds (`pvestatd`), and it is late with a guest that was just started or created.
    fn add_guests_of_nodes(&mut self, answers: &dyn Answers, managed: &BTreeSet<String>) -> Result<(), Unreadable> {
        let online = self.nodes.iter().filter(|(_, online)| **online).map(|(node, _)| node);
        for (node, guest_type) in online.flat_map(|node| [(node, GuestType::Qemu), (node, GuestType::Lxc)]) {
            rows::each(answers, &ApiPath::new(["nodes", node, guest_type.word()]), |mut row| {
                row.insert("type".to_owned(), guest_type.word().into());
                row.insert("node".to_owned(), node.as_str().into());
                let Ok(Some(guest)) = guest(&row, managed) else { return };
                match self.guests.entry(guest.vmid) {
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        known.node.clone_from(node);
                        if row.contains_key("status") {
                            known.update(&row);
                        }
                    }
                    Entry::Vacant(free) => _ = free.insert(guest),
                }
            })?;
        }
        Ok(())
    }
}

/// See [`crate::Cluster::complaint`].
pub(crate) fn complaint(path: &ApiPath, answer: &AnswerText) -> Result<Option<NotRead>, Unreadable> {
    let nobody = BTreeSet::new();
    let key = match path.as_str() {
        RESOURCES => None,
        "nodes" => Some("node"),
        "storage" => Some("storage"),
        "pools" => Some("poolid"),
        _ => return Ok(None),
    };
    let checked = shape::each_row(path, answer, |row| match key {
        Some(key) => shape::named(&row, key).map(drop),
        None => guest(&row, &nobody).map(drop),
    })?;
    Ok(checked.err())
}

/// Rows of a list that everything else depends on, by the key that names a row, and the reason why they are not
/// complete. A list with a row that has no name counts as not read.
fn required_list(answers: &dyn Answers, list: &str, key: &str) -> Result<(Rows, Option<NotRead>), Unreadable> {
    let path = ApiPath::parse(list);
    let Some(answer) = answers.text(&path)?.filter(AnswerText::is_known) else {
        return Ok((Rows::new(), Some(NotRead::NotOnRecord { request: path })));
    };
    let mut rows = Rows::new();
    let read = shape::each_row(&path, &answer, |row| {
        rows.insert(shape::named(&row, key)?.to_owned(), row);
        Ok(())
    })?;
    Ok(match read {
        Ok(()) => (rows, None),
        Err(problem) => (Rows::new(), Some(problem)),
    })
}

/// Names in a row of the list of everything, each with the list that has to have it.
fn named_by(row: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    let other = match row.get("type").and_then(Value::as_str) {
        Some("storage") => Some(("storage", "storage")),
        Some("qemu" | "lxc" | "pool") => Some(("pools", "pool")),
        Some("node") => None,
        // Networks, and further types of later releases.
        _ => return None.into_iter().chain(None),
    };
    let word = |(list, key): (&'static str, &str)| {
        Some((list, row.get(key).and_then(Value::as_str).filter(|word| !word.is_empty())?))
    };
    word(("nodes", "node")).into_iter().chain(other.and_then(word))
}

/// The guest of a row; `None` for a row of something else.
///
/// # Errors
/// The complaint about a row of a guest without a VMID, or without a node.
fn guest(row: &Map<String, Value>, managed: &BTreeSet<String>) -> Result<Option<Guest>, String> {
    let guest_type = match shape::named(row, "type")? {
        "qemu" => GuestType::Qemu,
        "lxc" => GuestType::Lxc,
        _ => return Ok(None),
    };
    let vmid = row.get("vmid").and_then(text).and_then(|vmid| VmId::parse(&vmid)).ok_or("has no VMID")?;
    let sid = match guest_type {
        GuestType::Qemu => format!("vm:{vmid}"),
        GuestType::Lxc => format!("ct:{vmid}"),
    };
    let word = |key: &str| row.get(key).and_then(text);
    let mut guest = Guest {
        guest_type,
        vmid,
        node: shape::named(row, "node")?.to_owned(),
        name: None,
        pool: word("pool").filter(|pool| !pool.is_empty()),
        tags: list::items(&word("tags").unwrap_or_default()).map(str::to_owned).collect(),
        running: false,
        template: false,
        ha: managed.contains(&sid) || word("hastate").is_some_and(|state| !state.is_empty()),
    };
    guest.update(row);
    Ok(Some(guest))
}
