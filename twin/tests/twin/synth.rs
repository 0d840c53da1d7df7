//! A made-up cluster is the same each time, holds all that an import asks for, and agrees with itself.

use std::collections::BTreeMap;

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Answer, ApiPath, Cluster};
use proxmox_mpc_twin::synth::{Size, about, synthesize};

const SIZE: Size = Size { nodes: 3, guests: 200 };

fn answers(seed: u64) -> BTreeMap<ApiPath, Answer> {
    let mut answers = BTreeMap::new();
    for (path, answer) in synthesize(SIZE, seed) {
        assert_eq!(answers.insert(path.clone(), answer), None, "{path} is there twice");
    }
    answers
}

#[test]
fn the_same_numbers_give_the_same_cluster() {
    assert_eq!(answers(1), answers(1));
    assert_ne!(answers(1), answers(2));
    assert_eq!(about(SIZE).nodes, ["pve1", "pve2", "pve3"]);
    let count = |nodes, guests| synthesize(Size { nodes, guests }, 1).count();
    assert_eq!(count(0, 0), count(1, 0));
    assert_eq!(count(3, 0) - count(2, 0), count(2, 0) - count(1, 0));
}

/// Everything that the kinds ask for is there, every list is complete, and every object can be read.
#[test]
fn an_import_finds_all_that_it_asks_for() {
    let answers = answers(7);
    let overview = Cluster::overview();
    let cluster = Cluster::read(&answers).unwrap();
    let wanted = KINDS.iter().flat_map(|kind| kind.requests(&cluster).unwrap());
    for path in overview.into_iter().chain(wanted) {
        assert!(answers.contains_key(&path), "{path}");
    }
    let mut kinds = 0;
    for kind in KINDS {
        let listing = kind.list(&cluster).unwrap();
        assert_eq!(listing.incomplete, None, "{}", kind.id);
        let least = if ["vm", "container", "storage", "pool", "pool_membership"].contains(&kind.id) { 4 } else { 0 };
        assert!(listing.entries.len() >= least, "{}", kind.id);
        kinds += usize::from(!listing.entries.is_empty());
        for entry in &listing.entries {
            let object = kind.read(&cluster, entry).unwrap().unwrap();
            let unknown = object.keys.keys().filter(|key| kind.key(key).is_none()).collect::<Vec<_>>();
            assert_eq!(unknown, Vec::<&String>::new(), "{}", entry.identity);
        }
    }
    assert!(kinds > 30, "{kinds}");
}

/// Guests are mixed, every image of a machine stands in the list of its storage, and names repeat.
#[test]
fn the_cluster_agrees_with_itself() {
    let answers = answers(7);
    let cluster = Cluster::read(&answers).unwrap();
    let guests: Vec<_> = cluster.guests.values().collect();
    assert_eq!(guests.len(), 200);
    assert_eq!(guests.iter().filter(|guest| guest.template).count(), 5);
    assert!(guests.iter().filter(|guest| guest.name.as_deref() == Some("simple")).count() > 2);
    let mut checked = 0;
    for guest in guests.into_iter().filter(|guest| guest.guest_type.word() == "qemu") {
        let path = ApiPath::parse(&format!("nodes/{}/qemu/{}/config", guest.node, guest.vmid));
        let config = answers.get(&path).unwrap().data().unwrap().clone();
        assert_eq!(config["name"].as_str(), guest.name.as_deref());
        for drive in config.as_object().unwrap().values().filter_map(|value| Some(Drive::parse(value.as_str()?))) {
            let Some(volume) = drive.stored().filter(|volume| ["local-lvm", "tank"].contains(&volume.storage())) else {
                continue;
            };
            assert!(cluster.images(&guest.node, volume.storage()).unwrap().unwrap().contains(volume.as_str()));
            let list = ApiPath::parse(&format!("nodes/{}/storage/{}/content", guest.node, volume.storage()));
            let images = answers.get(&list).unwrap();
            let row = images.list().find(|row| row["volid"] == volume.as_str()).unwrap();
            assert_eq!(row["size"].as_u64(), drive.size().map(|size| size.count()), "{volume}");
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked}");
}
