//! Tables of extractions: texts before and after, and refusals.

use std::collections::BTreeMap;

use super::NamedValue::{Local, Variable};
use super::*;

type Files = BTreeMap<String, String>;

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(name, text)| (format!("terraform/{name}"), (*text).to_owned())).collect()
}

/// The files after an extraction.
fn after(files: &Files, extraction: Extraction) -> Files {
    let mut after = files.clone();
    for (path, text) in extraction.files {
        match text {
            Some(text) => drop(after.insert(path, text)),
            None => drop(after.remove(&path)),
        }
    }
    for (path, text) in &after {
        crate::Document::parse(text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
    }
    after
}

const GUESTS: &str = "# Header.\n\nresource \"p_vm\" \"a\" {\n\tname = \"a\" # its name\n\n\tmemory {\n\t\tdedicated = 2048 # kept\n\t}\n\n\tdisk {\n\t\tinterface = \"scsi0\"\n\t\tsize      = 8\n\t}\n\n\tdisk {\n\t\tinterface = \"scsi1\"\n\t\tsize      = 8\n\t}\n}\n\nresource \"p_vm\" \"b\" {\n  name = \"b\"\n  memory {\n    dedicated = 2048\n  }\n}\n\nresource \"p_vm\" \"c\" {\n  memory {\n    dedicated = 512\n  }\n}\n";

fn request(declaration: NamedValue, attribute: Option<&str>, value: Option<&str>, blocks: &[&str]) -> LiteralRequest {
    LiteralRequest {
        declaration,
        name: "x".to_owned(),
        attribute: attribute.map(|path| path.parse().unwrap()),
        value: value.map(str::to_owned),
        blocks: blocks.iter().map(|block| (*block).to_owned()).collect(),
    }
}

#[test]
fn literals_get_a_name() {
    let check = |request: LiteralRequest, edits: &[(&str, &str)], declared: (&str, &str)| {
        for windows in [false, true] {
            let ending = |text: &str| if windows { text.replace('\n', "\r\n") } else { text.to_owned() };
            let before = files(&[("guests.tf", &ending(GUESTS))]);
            let extraction = literal(ExtractInput { files: &before, root: "terraform" }, &request).unwrap();
            assert_eq!(extraction.edits.len(), edits.len(), "{:?}", extraction.edits);
            let mut guests = GUESTS.to_owned();
            for (from, to) in edits {
                assert!(guests.contains(from), "{from}");
                guests = guests.replacen(from, to, 1);
            }
            let expected = files(&[("guests.tf", &ending(&guests)), (declared.0, &ending(declared.1))]);
            assert_eq!(after(&before, extraction), expected);
        }
    };
    let memory =
        [("dedicated = 2048 # kept", "dedicated = local.x # kept"), ("dedicated = 2048\n", "dedicated = local.x\n")];
    let local = ("locals.tf", "locals {\n  x = 2048\n}\n");
    check(request(Local, Some("memory.dedicated"), Some("2048"), &[]), &memory, local);
    check(request(Local, Some("memory.dedicated"), None, &["p_vm.a", "p_vm.b"]), &memory, local);
    check(request(Local, None, Some("2048"), &["vm"]), &memory, local);
    let sizes = [("size      = 8", "size      = var.x"), ("size      = 8\n", "size      = var.x\n")];
    let variable = ("variables.tf", "variable \"x\" {\n  type    = number\n  default = 8\n}\n");
    check(request(Variable, Some("disk.size"), None, &["p_vm"]), &sizes, variable);
    let second = [("\"scsi1\"\n\t\tsize      = 8", "\"scsi1\"\n\t\tsize      = var.x")];
    check(request(Variable, Some("disk[1].size"), None, &[]), &second, variable);
    check(request(Variable, Some("disk[interface=scsi1].size"), None, &[]), &second, variable);
    let text = ("variables.tf", "variable \"x\" {\n  type    = string\n  default = \"a\"\n}\n");
    check(request(Variable, Some("name"), Some("a"), &[]), &[("\"a\" # its", "var.x # its")], text);
}

#[test]
fn a_local_joins_those_that_are_there() {
    let check = |locals: &str, expected: &str| {
        let before = files(&[("guests.tf", GUESTS), ("locals.tf", locals)]);
        let request = request(NamedValue::Local, Some("memory.dedicated"), Some("512"), &[]);
        let extraction = literal(ExtractInput { files: &before, root: "terraform" }, &request).unwrap();
        assert_eq!(after(&before, extraction)["terraform/locals.tf"], expected);
    };
    check("locals {\n  long_name = 1 # kept\n}\n", "locals {\n  long_name = 1 # kept\n\n  x = 512\n}\n");
    check("locals {\n}\n", "locals {\n  x = 512\n}\n");
    check("locals { y = 1 }", "locals { y = 1 }\n\nlocals {\n  x = 512\n}\n");
    check("locals {\n  x = 512\n}\n", "locals {\n  x = 512\n}\n");
}

#[test]
fn literals_that_cannot_be_named_are_refused() {
    let check = |request: &LiteralRequest, expected: &str| {
        let other = "locals {\n  x = 1\n}\nvariable \"x\" {}\n";
        let before = files(&[("guests.tf", GUESTS), ("other.tf", other)]);
        let error = literal(ExtractInput { files: &before, root: "terraform" }, request).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        &request(Local, Some("memory.dedicated"), None, &[]),
        "`memory.dedicated` has 2 values: 2048 (2 times), 512 (1 times): name the one to extract",
    );
    check(
        &request(Local, Some("cpu.cores"), None, &[]),
        "no selected block has `cpu.cores` with a literal as its value",
    );
    check(&request(Local, None, Some("7"), &[]), "no selected block has the literal `7` as its value");
    check(&request(Local, None, None, &[]), "neither an attribute nor a value says which literals are meant");
    check(
        &request(Local, Some("name"), Some("a"), &["p_vm.d"]),
        "no resource block of the root module is `p_vm.d`, as an address or as a type",
    );
    check(
        &request(Local, Some("name"), Some("a"), &[]),
        "`local.x` is declared in `terraform/other.tf` with another value",
    );
    check(
        &request(Variable, Some("name"), Some("a"), &[]),
        "`variable \"x\"` is declared in `terraform/other.tf` already",
    );
    let named = LiteralRequest { name: "1x".to_owned(), ..request(Local, Some("name"), Some("a"), &[]) };
    check(&named, "`1x` is not a name that Terraform takes: letters, digits, `_` and `-`, and no digit first");
}

const POOLS: &str = "# Header.\n\n# The first.\nresource \"p_pool\" \"a\" {\n  id      = \"a\" # kept\n  comment = \"x\"\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n\n# The second.\nresource \"p_pool\" \"b\" {\n  id = \"b\"\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n\n# The last.\nresource \"p_pool\" \"c\" {\n  id      = \"c\"\n  comment = \"x\"\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n";

const OTHER: &str = "import {\n  to = p_pool.b\n  id = \"b\"\n}\n\nresource \"p_vm\" \"w\" {\n  pool = \"x/${p_pool.c.id}\"\n  depends_on = [p_pool.b]\n}\n";

#[test]
fn alike_resources_become_one() {
    for windows in [false, true] {
        let ending = |text: &str| if windows { text.replace('\n', "\r\n") } else { text.to_owned() };
        let before = files(&[("pools.tf", &ending(POOLS)), ("other.tf", &ending(OTHER))]);
        let input = ExtractInput { files: &before, root: "terraform" };
        let extraction = for_each(input, &["pool".to_owned()], "pool").unwrap();
        assert_eq!(extraction.moves[1].to, "p_pool.pool[\"b\"]");
        let pools = "# Header.\n\n# The first.\nresource \"p_pool\" \"pool\" {\n  for_each = local.pools\n\n  id      = each.value.id # kept\n  comment = each.value.comment\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n";
        let other =
            OTHER.replace("to = p_pool.b", "to = p_pool.pool[\"b\"]").replace("[p_pool.b]", "[p_pool.pool[\"b\"]]");
        let other = other.replace("p_pool.c", "p_pool.pool[\"c\"]");
        let locals = "locals {\n  pools = {\n    a = {\n      id      = \"a\"\n      comment = \"x\"\n    }\n    # The second.\n    b = {\n      id      = \"b\"\n      comment = null\n    }\n    # The last.\n    c = {\n      id      = \"c\"\n      comment = \"x\"\n    }\n  }\n}\n";
        let after = after(&before, extraction);
        assert_eq!(after["terraform/pools.tf"], ending(pools));
        assert_eq!(after["terraform/other.tf"], ending(&other));
        assert_eq!(after["terraform/locals.tf"], ending(locals));
        assert_eq!(after["terraform/moved.tf"].matches("moved {").count(), 3);
    }
}

#[test]
fn a_group_becomes_a_module() {
    let code =
        format!("{POOLS}\nresource \"p_pool\" \"d\" {{\n  id = p_vm.w.pool\n  key = var.k\n  size = local.s # s\n}}\n");
    let other = format!("{OTHER}\nvariable \"k\" {{\n  type = string\n}}\n\nlocals {{\n  s = 1\n}}\n");
    let before = files(&[("pools.tf", &code), ("other.tf", &other)]);
    let input = ExtractInput { files: &before, root: "terraform" };
    let after = after(&before, module(input, &["pool".to_owned()], "m").unwrap());
    assert_eq!(after["terraform/pools.tf"].trim(), "# Header.");
    let main = code.replace("# Header.\n\n", "").replace("p_vm.w.pool", "var.w_pool").replace("local.s", "var.s");
    assert_eq!(after["terraform/modules/m/main.tf"], main);
    let other = other.replace("to = p_pool.b", "to = module.m.p_pool.b").replace("[p_pool.b]", "[module.m]");
    assert_eq!(after["terraform/other.tf"], other.replace("p_pool.c.id", "module.m.c_id"));
    let call = "module \"m\" {\n  source = \"./modules/m\"\n\n  k      = var.k\n  s      = local.s\n  w_pool = p_vm.w.pool\n}\n";
    assert_eq!(after["terraform/modules.tf"], call);
    assert_eq!(after["terraform/modules/m/outputs.tf"], "output \"c_id\" {\n  value = p_pool.c.id\n}\n");
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    let more = "resource \"p_pool\" \"d\" {\n  id = p_pool.a.id\n}\nresource \"p_pool\" \"e\" {\n  id = 1\n\n  lifecycle {\n    prevent_destroy = false\n  }\n}\nresource \"p_pool\" \"f\" {\n  count = 2\n}\n";
    let before = files(&[("pools.tf", POOLS), ("other.tf", OTHER), ("more.tf", more)]);
    let input = ExtractInput { files: &before, root: "terraform" };
    let check = |blocks: &[&str], expected: &str| {
        let blocks: Vec<String> = blocks.iter().map(|block| (*block).to_owned()).collect();
        assert_eq!(for_each(input, &blocks, "x").unwrap_err().to_string(), expected);
    };
    check(&[], "no resources are named");
    check(&["p_pool.a"], "a `for_each` needs two resources at least, and only `p_pool.a` is selected");
    check(&["p_pool.a", "p_vm.w"], "`p_vm.w` and `p_pool.a` are of different types");
    check(&["p_pool.a", "p_pool.d"], "`p_pool.d` refers to `p_pool.a`: both would be the same resource");
    check(&["p_pool.f", "p_pool.a"], "`p_pool.f` has a `count` already");
    check(
        &["p_pool.b", "p_pool.e"],
        "`lifecycle.prevent_destroy` of `p_pool.e` and of `p_pool.b` differ, and must be the same for all",
    );
    let vm = ["p_vm.w".to_owned()];
    let error = module(input, &vm, "x").unwrap_err().to_string();
    assert_eq!(error, "`p_vm.w` names `p_pool.b` in `depends_on`, which has to be in the module as well");
}
