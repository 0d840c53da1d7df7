//! Objects with similar names and ids: each has a label, a variable, a host and a group of its own, and keeps them
//! when others arrive.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_generators::{Generated, Manifest, Options, Previous, generate};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use crate::support::clusters::{Memory, data, fixture, generated, terraform};

/// Pairs of similar objects, by the list that they are in: the first one, and the newcomer.
fn pairs() -> Vec<(&'static str, Value, Value)> {
    let cifs = |id: &str| json!({"storage": id, "type": "cifs", "server": "nas", "share": "x", "username": "u", "content": "images"});
    let dns = |id: &str| json!({"dns": id, "type": "powerdns", "url": "http://dns", "key": "x", "ttl": 1});
    vec![
        ("pools", json!({"poolid": "prod"}), json!({"poolid": "Prod"})),
        ("pools", json!({"poolid": "lab/k3s"}), json!({"poolid": "lab-k3s"})),
        ("storage", cifs("usb-backup"), cifs("usb_backup")),
        (
            "access/users?full=1",
            json!({"userid": "jürgen@pve", "enable": 1, "realm-type": "pve"}),
            json!({"userid": "jurgen@pve", "enable": 1, "realm-type": "pve"}),
        ),
        ("access/groups", json!({"groupid": "ops-a", "users": ""}), json!({"groupid": "ops_a", "users": ""})),
        (
            "cluster/firewall/aliases",
            json!({"name": "a-b", "cidr": "10.0.0.1"}),
            json!({"name": "a_b", "cidr": "10.0.0.2"}),
        ),
        ("cluster/sdn/dns", dns("pdnsa"), dns("pdnsA")),
    ]
}

/// A recorded cluster with the first of each pair, and with both.
fn clusters() -> (Memory, Memory) {
    let mut first = fixture("pve-9.1");
    let add = |answers: &mut Memory, path: &str, row: Value| {
        let path = ApiPath::parse(path);
        let rows = answers.entry(path).or_insert_with(|| Answer::ok(json!([])));
        rows.body["data"].as_array_mut().unwrap().push(row);
    };
    let pairs = pairs();
    for (path, one, _) in &pairs {
        add(&mut first, path, one.clone());
    }
    let mut both = first.clone();
    for (path, _, other) in &pairs {
        add(&mut both, path, other.clone());
    }
    (first, both)
}

fn again(answers: &Memory, options: &Options, before: &Generated) -> Generated {
    let previous = Previous { manifest: before.manifest.clone(), files: before.files.clone(), ..Previous::default() };
    generate(answers, options, &previous).unwrap()
}

/// Variable from which each secret of an object is read.
fn lookups(made: &Generated) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for text in made.files.iter().filter(|(path, _)| path.starts_with("ansible/roles/")).map(|(_, text)| text) {
        let mut object = "";
        for line in text.lines() {
            object = line.strip_prefix("# ").filter(|line| line.contains('/')).unwrap_or(object);
            if let Some((_, rest)) = line.split_once("'PROXMOX_MPC_") {
                let number = found.range(object.to_owned()..format!("{object}~")).count();
                found.insert(format!("{object} {number}"), rest.split('\'').next().unwrap().to_owned());
            }
        }
    }
    found
}

fn variables(made: &Generated) -> Vec<String> {
    let lines = terraform(&made.files).flat_map(|(_, text)| text.lines());
    lines.filter(|line| line.starts_with("variable ")).map(str::to_owned).collect()
}

#[test]
fn objects_that_read_alike_share_nothing() {
    let (_, both) = clusters();
    let made = generated(&both);
    let known = made.manifest.objects.values().map(|place| &place.address);
    assert_eq!(known.collect::<BTreeSet<_>>().len(), made.manifest.objects.len());
    for (prefix, id) in [("pool", "Prod"), ("pool", "lab-k3s"), ("storage", "usb_backup"), ("user", "jurgen@pve")] {
        assert!(made.manifest.objects.contains_key(&Identity::new(prefix, id)), "{prefix}/{id}");
    }
    let lookups = lookups(&made);
    assert_eq!(lookups.values().collect::<BTreeSet<_>>().len(), lookups.len(), "{lookups:?}");
    assert!(
        lookups.keys().filter(|secret| secret.contains("pdnsa") || secret.contains("pdnsA")).count() == 2,
        "{lookups:?}"
    );
}

#[test]
fn who_arrives_changes_no_name() {
    let (first, both) = clusters();
    let before = generated(&first);
    let after = again(&both, &Options::default(), &before);
    for (identity, place) in &before.manifest.objects {
        assert_eq!(after.manifest.objects[identity].address, place.address, "{identity}");
    }
    assert!(after.manifest.moved.is_empty());
    let (had, has) = (lookups(&before), lookups(&after));
    for (secret, variable) in &had {
        assert_eq!(has.get(secret), Some(variable), "{secret}");
    }
    assert_eq!(has.values().collect::<BTreeSet<_>>().len(), has.len());
    assert!(has.len() > had.len());
    assert_eq!(again(&both, &Options::default(), &after).files, after.files);
}

/// A mapping may give two resources of different types one label; their secrets stay apart.
#[test]
fn a_label_of_two_is_no_variable_of_two() {
    let (_, both) = clusters();
    let made = generated(&both);
    let mut mapping = Manifest { objects: made.manifest.objects.clone(), ..Manifest::default() };
    let mut rename = |identity: Identity| {
        let place = mapping.objects.get_mut(&identity).unwrap();
        let (resource, _) = place.address.split_once('.').unwrap();
        place.address = format!("{resource}.same");
    };
    let password = |id: &str| made.files["terraform/variables.tf"].contains(&format!("Password of storage {id};"));
    let pbs = made.manifest.objects.keys().find(|identity| {
        identity.prefix() == "storage" && !identity.id().starts_with("usb") && password(identity.id())
    });
    let pbs = pbs.unwrap().clone();
    rename(Identity::new("storage", "usb_backup"));
    rename(pbs.clone());
    let options = Options { mapping: Some(mapping), ..Options::default() };
    let mapped = generate(&both, &options, &Previous::default()).unwrap();
    assert_eq!(variables(&mapped).len(), variables(&made).len(), "{pbs}: {:?}", variables(&mapped));
}

/// A new tag or host does not take the name of another group of the inventory.
#[test]
fn groups_keep_their_names() {
    let tagged = |tags: &str| {
        let mut answers = fixture("pve-9.1");
        for resource in data(&mut answers, "cluster/resources").as_array_mut().unwrap() {
            if resource["id"] == "qemu/100" {
                resource["tags"] = tags.into();
            }
        }
        answers
    };
    let groups = |made: &Generated| -> BTreeSet<String> {
        let text = &made.files["ansible/inventory/guests.yml"];
        let (_, groups) = text.split_once("\n  children:\n").unwrap();
        let names = groups.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(':'));
        names.filter(|name| name.starts_with("tag_a_")).map(str::to_owned).collect()
    };
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let before = generated(&tagged("a-b"));
    assert_eq!(groups(&before), of(&["tag_a_b"]));
    let after = again(&tagged("a-b;a.b;a_b"), &Options::default(), &before);
    assert_eq!(groups(&after), of(&["tag_a_b", "tag_a_b_2e", "tag_a_b_5f"]));
    assert_eq!(again(&tagged("a-b;a.b;a_b"), &Options::default(), &after).files, after.files);
    assert_eq!(groups(&generated(&tagged("a-b;a.b;a_b"))), of(&["tag_a_b", "tag_a_b_2d", "tag_a_b_2e"]));
}
