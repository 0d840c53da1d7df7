//! Instances: files, `count`, `for_each`, modules, overrides, JSON syntax, broken files.

use super::{files, instance, read};
use crate::configuration::{Configuration, ReadOnly};

#[test]
fn instances_are_those_of_a_plan() {
    let check = |text: &str, expected: &[&str]| {
        let files = files(text);
        let configuration = read(&files);
        let found: Vec<_> = configuration.instances().iter().map(|instance| instance.address.to_string()).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("=== main.tf\nresource \"a\" \"b\" {}\nresource a c {}\n", &["a.b", "a.c"]);
    check("=== main.tf\r\nresource \"a\" \"b\" {\r\n  x = 1\r\n}\r\n", &["a.b"]);
    check("=== main.tf\n\u{feff}resource \"a\" \"b\" {\n\tcount = 2\n}\n", &["a.b[0]", "a.b[1]"]);
    check("=== main.tf\nresource \"a\" \"b\" {\n  count = 0\n}\n", &[]);
    check("=== main.tf\nresource \"a\" \"b\" {\n  count = data.x.y.z\n}\n", &["a.b[*]"]);
    check(
        "=== main.tf\nvariable \"on\" {\n  default = true\n}\nresource \"a\" \"b\" {\n  count = var.on ? 1 : 0\n}\n",
        &["a.b[0]"],
    );
    let over_map = "resource \"a\" \"b\" {\n  for_each = local.vms\n}\n";
    check(
        &format!(
            "=== a.tf\n{over_map}=== b.tf\nlocals {{\n  vms = {{\n    web = {{ id = 1 }}\n    \"db.x\" = {{ id = 2 }}\n  }}\n}}\n"
        ),
        &["a.b[\"db.x\"]", "a.b[\"web\"]"],
    );
    // A value inside of the map that nobody knows does not hide the keys.
    check(
        &format!("=== a.tf\n{over_map}locals {{\n  vms = {{ web = {{ id = data.x.y.z }} }}\n}}\n"),
        &["a.b[\"web\"]"],
    );
    check(&format!("=== a.tf\n{over_map}locals {{\n  vms = local.vms\n}}\n"), &["a.b[*]"]);
    check(&format!("=== a.tf\n{over_map}locals {{\n  vms = fileset(\".\", \"*\")\n}}\n"), &["a.b[*]"]);
    check(
        "=== a.tf\nresource \"a\" \"b\" {\n  for_each = toset([\"y\", \"x\", \"y\"])\n}\n",
        &["a.b[\"x\"]", "a.b[\"y\"]"],
    );
    check(
        "=== a.tf\nresource \"a\" \"b\" {\n  for_each = toset([for n in range(2) : \"n${n + 1}\"])\n}\n",
        &["a.b[\"n1\"]", "a.b[\"n2\"]"],
    );
    let variable = "variable \"vms\" {\n  type = map(object({ memory = optional(number, 1) }))\n}\nresource \"a\" \"b\" {\n  for_each = var.vms\n}\n";
    check(&format!("=== a.tf\n{variable}"), &["a.b[*]"]);
    check(&format!("=== a.tf\n{variable}=== terraform.tfvars\nvms = {{ x = {{}} }}\n"), &["a.b[\"x\"]"]);
    check(
        &format!(
            "=== a.tf\n{variable}=== terraform.tfvars\nvms = {{ x = {{}} }}\n=== a.auto.tfvars.json\n{{\"vms\": {{\"y\": {{}}}}}}\n=== other.tfvars\nvms = {{}}\n"
        ),
        &["a.b[\"y\"]"],
    );
    check(
        "=== x.tf.json\n{\"resource\": {\"a\": {\"b\": {\"count\": \"${1 + 1}\"}}}, \"//\": 1}\n",
        &["a.b[0]", "a.b[1]"],
    );
}

#[test]
fn modules_are_followed() {
    let check = |text: &str, expected: &[&str], opaque: &[&str]| {
        let files = files(text);
        let configuration = read(&files);
        let found: Vec<_> = configuration.instances().iter().map(|instance| instance.address.to_string()).collect();
        assert_eq!(found, expected, "{text}");
        let calls: Vec<_> = configuration.opaque_modules().iter().map(|module| module.address.as_str()).collect();
        assert_eq!(calls, opaque);
    };
    let vm =
        "=== modules/vm/main.tf\nvariable \"n\" {\n  default = 1\n}\nresource \"a\" \"this\" {\n  count = var.n\n}\n";
    check(
        &format!("=== main.tf\nmodule \"m\" {{\n  source = \"./modules/vm\"\n}}\n{vm}"),
        &["module.m.a.this[0]"],
        &[],
    );
    check(
        &format!(
            "=== main.tf\nmodule \"m\" {{\n  source = \"./modules/vm/\"\n  for_each = {{ x = 1, y = 2 }}\n  n = each.value\n}}\n{vm}"
        ),
        &["module.m[\"x\"].a.this[0]", "module.m[\"y\"].a.this[0]", "module.m[\"y\"].a.this[1]"],
        &[],
    );
    check(
        &format!(
            "=== main.tf\nmodule \"o\" {{\n  source = \"./modules/o\"\n  count = 2\n}}\n=== modules/o/main.tf\nmodule \"m\" {{\n  source = \"../vm\"\n}}\n{vm}"
        ),
        &["module.o[0].module.m.a.this[0]", "module.o[1].module.m.a.this[0]"],
        &[],
    );
    check(
        &format!(
            "=== main.tf\nmodule \"m\" {{\n  source = \"./modules/vm\"\n  for_each = var.x\n}}\nvariable \"x\" {{}}\n{vm}"
        ),
        &["module.m[*].a.this[0]"],
        &[],
    );
    check(
        "=== main.tf\nmodule \"m\" {\n  source = \"x/y/z\"\n}\nmodule \"n\" {\n  source = \"./gone\"\n}\n",
        &[],
        &["module.m", "module.n"],
    );
    check(
        "=== main.tf\nmodule \"m\" {\n  source = \"./m\"\n}\n=== m/x.tf\nmodule \"m\" {\n  source = \"../m\"\n}\nresource \"a\" \"b\" {}\n",
        &["module.m.a.b"],
        &[],
    );
    // What a module gives out can say how many of another one there are.
    check(
        &format!(
            "=== main.tf\nmodule \"b\" {{\n  source = \"./k\"\n}}\nmodule \"c\" {{\n  source = \"./modules/vm\"\n  n = module.b.n\n}}\n=== k/x.tf\noutput \"n\" {{\n  value = 2\n}}\n{vm}"
        ),
        &["module.c.a.this[0]", "module.c.a.this[1]"],
        &[],
    );
}

#[test]
fn what_is_only_read_says_so() {
    let files = files(
        "=== main.tf\nresource \"a\" \"b\" {\n  x = 1\n}\nresource \"a\" \"c\" {\n  x = 1\n}\n=== x_override.tf\nresource \"a\" \"b\" {\n  \
         x = 2\n}\n=== y.tf.json\n{\"resource\": {\"a\": {\"d\": {\"x\": 1}}}}\n",
    );
    let configuration = read(&files);
    let check =
        |address: &str, expected| assert_eq!(instance(&configuration, address).read_only, expected, "{address}");
    check("a.b", Some(ReadOnly::Override));
    check("a.c", None);
    check("a.d", Some(ReadOnly::Json));
    let block = instance(&configuration, "a.b");
    assert_eq!(
        (block.file.as_str(), &files[&block.file][block.range.clone()]),
        ("terraform/main.tf", "resource \"a\" \"b\" {\n  x = 1\n}")
    );
}

#[test]
fn a_broken_file_costs_only_itself() {
    let files = files(
        "=== a.tf\nresource \"a\" \"b\" {}\n=== b.tf\nresource \"a\" \"c\" {\n=== c.tf.json\n{\n=== d.tf\nresource \"a\" \"d\" {\n  x = = 1\n}\n",
    );
    let configuration = Configuration::read(&files, "terraform");
    let broken: Vec<_> = configuration.errors().iter().map(|(file, _)| *file).collect();
    assert_eq!(
        broken,
        ["terraform/b.tf", "terraform/d.tf", "terraform/c.tf.json"]
            .iter()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(configuration.instances().len(), 1);
}
