//! Places of objects after people's refactorings.

use std::collections::BTreeMap;

use super::{files, read};
use crate::configuration::{Address, GeneratedObject, ObjectKeys, StateInstance, WrittenId};

/// Keys of two types: guests by their number, everything else by `id`.
struct Keys;

impl ObjectKeys for Keys {
    fn of_import(&self, resource_type: &str, import_id: &str) -> String {
        format!("{resource_type}/{}", import_id.rsplit('/').next().unwrap_or_default())
    }

    fn of_state(&self, resource_type: &str, attributes: &BTreeMap<String, String>) -> Option<String> {
        attributes.get("id").map(|id| format!("{resource_type}/{id}"))
    }

    fn of_block(&self, resource_type: &str, attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
        match attribute(if resource_type == "vm" { "vm_id" } else { "pool_id" }) {
            WrittenId::Known(id) => WrittenId::Known(format!("{resource_type}/{id}")),
            other => other,
        }
    }
}

/// Two generated guests and a pool.
fn objects() -> Vec<GeneratedObject> {
    let object = |identity: &str, address: &str, import_id: &str| GeneratedObject {
        identity: identity.to_owned(),
        address: address.parse().unwrap(),
        import_id: import_id.to_owned(),
    };
    vec![
        object("qemu/101", "vm.web", "pve1/101"),
        object("qemu/102", "vm.db", "pve1/102"),
        object("pool/prod", "pool.prod", "prod"),
    ]
}

fn check_with(text: &str, state: &[(&str, &str)], expected: &[&str]) {
    let files = files(text);
    let configuration = read(&files);
    let state: Vec<StateInstance> = state
        .iter()
        .map(|(address, id)| StateInstance {
            address: address.parse().unwrap(),
            attributes: BTreeMap::from([("id".to_owned(), (*id).to_owned())]),
        })
        .collect();
    let placements = configuration.locate(&objects(), &Keys, &state);
    let text_of = |address: &Address| address.to_string();
    let places = placements.objects.iter().filter_map(|(identity, placement)| {
        let address = placement.address.as_ref()?;
        let twice: Vec<_> = placement.duplicates.iter().map(text_of).collect();
        let twice = if twice.is_empty() { String::new() } else { format!(" and {}", twice.join(", ")) };
        Some(format!("{identity}: {:?} {address}{twice}", placement.found))
    });
    let unidentified = placements.unidentified.iter().map(|block| format!("{}: {:?}", block.address, block.why));
    assert_eq!(places.chain(unidentified).collect::<Vec<_>>(), expected, "{text}");
}

fn check(text: &str, expected: &[&str]) {
    check_with(text, &[], expected);
}

#[test]
fn objects_are_found_where_people_put_them() {
    let import = |to: &str, id: &str| format!("import {{\n  to = {to}\n  id = \"{id}\"\n}}\n");
    let vm = |name: &str| format!("resource \"vm\" \"{name}\" {{\n}}\n");
    // As it was generated, and moved to another file.
    check(
        &format!("=== imports.tf\n{}=== x.tf\n{}", import("vm.web", "pve1/101"), vm("web")),
        &["qemu/101: Generated vm.web"],
    );
    // Without the import block, which is done with after an apply.
    check(&format!("=== x.tf\n{}", vm("web")), &["qemu/101: Generated vm.web"]);
    // Renamed, with the import block or with `moved`, or both.
    check(&format!("=== x.tf\n{}{}", import("vm.www", "pve1/101"), vm("www")), &["qemu/101: Imported vm.www"]);
    let moved = "moved {\n  from = vm.web\n  to = vm.www\n}\n";
    check(&format!("=== x.tf\n{moved}{}", vm("www")), &["qemu/101: Moved vm.www"]);
    check(
        &format!("=== x.tf\n{moved}moved {{\n  from = vm.www\n  to = vm.last\n}}\n{}", vm("last")),
        &["qemu/101: Moved vm.last"],
    );
    check(&format!("=== x.tf\n{moved}{}{}", import("vm.web", "pve1/101"), vm("www")), &["qemu/101: Moved vm.www"]);
    // A resource that got a `count`.
    check("=== x.tf\nresource \"vm\" \"web\" {\n  count = 1\n}\n", &["qemu/101: Moved vm.web[0]"]);
    // for_each over a map, with import blocks over the same map.
    let each = "=== x.tf\nlocals {\n  vms = { web = 101, db = 102 }\n}\nresource \"vm\" \"this\" {\n  for_each = local.vms\n  vm_id = each.value\n}\n";
    let both = ["qemu/101: ByIds vm.this[\"web\"]", "qemu/102: ByIds vm.this[\"db\"]"];
    check(each, &both);
    let imports = "import {\n  for_each = local.vms\n  to = vm.this[each.key]\n  id = \"pve1/${each.value}\"\n}\n";
    check(&format!("{each}{imports}"), &["qemu/101: Imported vm.this[\"web\"]", "qemu/102: Imported vm.this[\"db\"]"]);
    let moved = "moved {\n  from = vm.web\n  to = vm.this[\"web\"]\n}\n";
    check(&format!("{each}{moved}"), &["qemu/101: Moved vm.this[\"web\"]", "qemu/102: ByIds vm.this[\"db\"]"]);
    // Modules.
    let module = "=== m/x.tf\nvariable \"id\" {}\nresource \"vm\" \"this\" {\n  vm_id = var.id\n}\n";
    let call = "=== x.tf\nmodule \"vm\" {\n  for_each = { web = 101 }\n  source = \"./m\"\n  id = each.value\n}\n";
    check(&format!("{call}{module}"), &["qemu/101: ByIds module.vm[\"web\"].vm.this"]);
    check(
        &format!("{call}{}{module}", import("module.vm[\"web\"].vm.this", "pve1/101")),
        &["qemu/101: Imported module.vm[\"web\"].vm.this"],
    );
    check(
        &format!(
            "{call}moved {{\n  from = vm.web\n  to = module.old.vm.this\n}}\nmoved {{\n  from = module.old\n  to = module.vm[\"web\"]\n}}\n{module}"
        ),
        &["qemu/101: Moved module.vm[\"web\"].vm.this"],
    );
    // Written by hand.
    check(
        "=== x.tf\nvariable \"id\" {\n  default = 102\n}\nresource \"vm\" \"mine\" {\n  vm_id = var.id\n}\nresource \"pool\" \"p\" {\n  pool_id = \"prod\"\n}\n",
        &["pool/prod: ByIds pool.p", "qemu/102: ByIds vm.mine"],
    );
    // In JSON syntax and in an override file.
    check(
        "=== x.tf.json\n{\"resource\": {\"vm\": {\"j\": {\"vm_id\": 101}}}, \"import\": {\"to\": \"vm.j\", \"id\": \"pve1/101\"}}\n",
        &["qemu/101: Imported vm.j"],
    );
}

#[test]
fn a_block_of_another_object_is_not_taken() {
    // Somebody gave the generated address to another guest.
    check("=== x.tf\nresource \"vm\" \"web\" {\n  vm_id = 102\n}\n", &["qemu/102: ByIds vm.web"]);
    check("=== x.tf\nresource \"vm\" \"web\" {\n}\nimport {\n  to = vm.web\n  id = \"pve1/999\"\n}\n", &[]);
    // Swapped.
    check(
        "=== x.tf\nresource \"vm\" \"web\" {\n  vm_id = 102\n}\nresource \"vm\" \"db\" {\n  vm_id = 101\n}\n",
        &["qemu/101: ByIds vm.db", "qemu/102: ByIds vm.web"],
    );
}

#[test]
fn blocks_that_nobody_can_identify_are_named() {
    check(
        "=== x.tf\nresource \"vm\" \"x\" {\n  vm_id = data.x.y.z\n}\nresource \"vm\" \"y\" {\n}\nresource \"other\" \"z\" {}\n",
        &["vm.x: UnknownIds", "vm.y: NoIds"],
    );
    check("=== x.tf\nresource \"vm\" \"x\" {\n  for_each = data.x.y.z\n}\n", &["vm.x[*]: UnknownInstances"]);
    // An import block points into instances that nobody can count.
    check(
        "=== x.tf\nresource \"vm\" \"x\" {\n  for_each = data.x.y.z\n}\nimport {\n  to = vm.x[\"web\"]\n  id = \"pve1/101\"\n}\n",
        &["qemu/101: Imported vm.x[\"web\"]", "vm.x[*]: UnknownInstances"],
    );
    // An import block without a block is no code.
    check("=== x.tf\nimport {\n  to = vm.x\n  id = \"pve1/101\"\n}\n", &[]);
    check(
        "=== x.tf\nmodule \"m\" {\n  source = \"a/b/c\"\n}\nimport {\n  to = module.m.vm.this[0]\n  id = \"pve1/101\"\n}\n",
        &["qemu/101: Imported module.m.vm.this[0]"],
    );
}

#[test]
fn a_state_says_where_objects_are() {
    let state = [("vm.mine", "101"), ("module.m[\"x\"].vm.this", "102"), ("vm.gone", "103")];
    check_with(
        "=== x.tf\nresource \"vm\" \"mine\" {\n}\nmodule \"m\" {\n  source = \"a/b/c\"\n}\n",
        &state,
        &["qemu/101: ByState vm.mine", "qemu/102: ByState module.m[\"x\"].vm.this"],
    );
    // Moved since the last apply.
    check_with(
        "=== x.tf\nresource \"vm\" \"now\" {\n}\nmoved {\n  from = vm.mine\n  to = vm.now\n}\n",
        &state,
        &["qemu/101: ByState vm.now"],
    );
}

#[test]
fn an_object_that_is_there_twice_is_named() {
    check(
        "=== x.tf\nresource \"vm\" \"web\" {\n  vm_id = 101\n}\nresource \"vm\" \"mine\" {\n  vm_id = 101\n}\n",
        &["qemu/101: Generated vm.web and vm.mine"],
    );
}
