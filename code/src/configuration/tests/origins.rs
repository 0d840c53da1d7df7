//! Origins: the place of the literal behind a value, its name, and who else depends on it.

use super::{files, instance, read};
use crate::configuration::{Origin, Path, ReadOnly};

/// The origin of a value: kind, name, the text of the literal, and the users; or the expression of a computed value.
fn origin(text: &str, address: &str, path: &str) -> String {
    let files = files(text);
    let configuration = read(&files);
    let path: Path = path.parse().unwrap();
    match configuration.origin(instance(&configuration, address), &path) {
        Origin::Absent => "absent".to_owned(),
        Origin::Computed(computed) => {
            assert!(files[&computed.file].get(computed.range.clone()).is_some());
            format!("computed: {}", computed.expression)
        }
        Origin::Literal(literal) => {
            let users: Vec<_> = literal.users.iter().map(|(address, path)| format!("{address} {path}")).collect();
            let only = literal.read_only.map(|only| format!("; {only}")).unwrap_or_default();
            let code =
                if literal.read_only == Some(ReadOnly::Json) { "…" } else { &files[&literal.file][literal.range] };
            format!("{:?} {} = {code} [{}]{only}", literal.kind, literal.name, users.join(", "))
        }
    }
}

fn check(text: &str, address: &str, path: &str, expected: &str) {
    // Line ends and a byte order mark move every offset.
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n").replace("\r\n=== ", "\n=== "),
        text.replacen(".tf\n", ".tf\n\u{feff}", 1),
    ] {
        assert_eq!(origin(&text, address, path).replace("\r\n", "\n"), expected, "{path} in {text}");
    }
}

#[test]
fn literals_are_where_they_are_written() {
    let text = "=== main.tf\nresource \"a\" \"b\" {\n  x = 1 # one\n  y = -1\n  list = [1, \"ü\"]\n  map = { k = { z = true } }\n  t = <<-EOT\n    a\n  EOT\n  d {\n    i = \"p\"\n    \
                s = (8)\n  }\n  f = 1 + 2\n}\n";
    check(text, "a.b", "x", "Block x = 1 []");
    check(text, "a.b", "y", "Block y = -1 []");
    check(text, "a.b", "list[1]", "Block list[1] = \"ü\" []");
    check(text, "a.b", "list", "Block list = [1, \"ü\"] []");
    check(text, "a.b", "map.k.z", "Block map.k.z = true []");
    check(text, "a.b", "d[i=p].s", "Block d[i=p].s = 8 []");
    check(text, "a.b", "d[0]", "Block d[0] = d {\n    i = \"p\"\n    s = (8)\n  } []");
    check(text, "a.b", "f", "computed: 1 + 2");
    check(text, "a.b", "none", "absent");
    check(text, "a.b", "d[i=q].s", "absent");
    check(text, "a.b", "map.k.none", "absent");
}

#[test]
fn references_lead_to_definitions() {
    let text = "=== main.tf\nresource \"a\" \"b\" {\n  m = local.memory\n  c = var.cores\n  s = var.size\n  o = var.o.k\n  n = \"${local.name}\"\n  \
                e = \"x-${local.name}\"\n  q = local.on ? local.memory : 5\n  w = tonumber(local.alias)\n}\nresource \"a\" \"c\" {\n  m = local.memory\n  half = local.memory / 2\n}\n\
                locals {\n  memory = 4096 # MiB\n  alias = local.memory\n  name = \"n\"\n  on = true\n}\nvariable \"cores\" {\n  default = 2\n}\nvariable \"size\" {\n  \
                default = 1\n}\nvariable \"o\" {\n  type = object({ k = optional(number, 7) })\n  default = {}\n}\n=== x.auto.tfvars\nsize = 9\n";
    check(text, "a.b", "m", "Local local.memory = 4096 [a.c half, a.c m]");
    check(text, "a.c", "m", "Local local.memory = 4096 [a.b m, a.b q, a.b w]");
    check(text, "a.b", "c", "Default var.cores = 2 []");
    check(text, "a.b", "s", "VariableFile var.size in terraform/x.auto.tfvars = 9 []");
    check(text, "a.b", "o", "Default default of k in the type of var.o = 7 []");
    check(text, "a.b", "n", "Local local.name = \"n\" []");
    check(text, "a.b", "e", "computed: \"x-${local.name}\"");
    check(text, "a.b", "q", "Local local.memory = 4096 [a.c half, a.c m]");
    check(text, "a.b", "w", "Local local.memory = 4096 [a.c half, a.c m]");
}

#[test]
fn entries_of_for_each_are_traced() {
    let text = "=== main.tf\nlocals {\n  vms = {\n    web = { memory = 4096, cores = local.cores }\n    \"db\" = { cores = 2 }\n  }\n  cores = 4\n  defaults = { disk = 8 }\n}\n\
                resource \"a\" \"b\" {\n  for_each = local.vms\n  memory = each.value.memory\n  m2 = try(each.value.memory, 512)\n  m3 = lookup(each.value, \"memory\", 256)\n  \
                cores = each.value.cores\n  disk = merge(local.defaults, each.value).disk\n  fix = 1\n  name = each.key\n  d {\n    x = each.value[\"cores\"]\n  }\n}\n";
    check(text, "a.b[\"web\"]", "memory", "Entry local.vms[\"web\"].memory = 4096 []");
    check(text, "a.b[\"web\"]", "m2", "Entry local.vms[\"web\"].memory = 4096 []");
    check(text, "a.b[\"web\"]", "m3", "Entry local.vms[\"web\"].memory = 4096 []");
    check(text, "a.b[\"db\"]", "m2", "Block m2 = 512 []");
    check(text, "a.b[\"db\"]", "m3", "Block m3 = 256 []");
    check(text, "a.b[\"db\"]", "memory", "absent");
    check(text, "a.b[\"web\"]", "cores", "Local local.cores = 4 []");
    check(text, "a.b[\"db\"]", "d.x", "Entry local.vms[\"db\"].cores = 2 []");
    check(text, "a.b[\"db\"]", "disk", "Local local.defaults.disk = 8 [a.b[\"web\"] disk]");
    check(text, "a.b[\"db\"]", "fix", "Block fix = 1 [a.b[\"web\"] fix]");
    check(text, "a.b[\"db\"]", "name", "computed: each.key");
    let shaped = "=== main.tf\nlocals {\n  vms = [{ name = \"web\", memory = 1 }, { name = \"db\", memory = 2 }]\n}\nresource \"a\" \"b\" {\n  \
                  for_each = { for vm in local.vms : vm.name => vm }\n  memory = each.value.memory\n}\n";
    check(shaped, "a.b[\"db\"]", "memory", "Entry local.vms[1].memory = 2 []");
    let given = "=== main.tf\nvariable \"vms\" {\n  type = map(object({ memory = optional(number, 3) }))\n}\nresource \"a\" \"b\" {\n  for_each = var.vms\n  memory = each.value.memory\n}\n\
                 === terraform.tfvars\nvms = {\n  web = { memory = 1 }\n  db  = {}\n}\n";
    check(given, "a.b[\"web\"]", "memory", "Entry var.vms[\"web\"].memory in terraform/terraform.tfvars = 1 []");
    check(given, "a.b[\"db\"]", "memory", "Default default of db.memory in the type of var.vms = 3 []");
    let set = "=== main.tf\nresource \"a\" \"b\" {\n  for_each = toset([\"x\", \"y\"])\n  name = each.value\n}\n";
    check(set, "a.b[\"y\"]", "name", "Entry for_each of a.b[1] = \"y\" []");
    let inline = "=== main.tf\nresource \"a\" \"b\" {\n  for_each = {\n    x = { m = 1 }\n  }\n  m = each.value.m\n}\n";
    check(inline, "a.b[\"x\"]", "m", "Entry for_each of a.b[\"x\"].m = 1 []");
}

#[test]
fn arguments_of_modules_are_traced_to_the_caller() {
    let module = "=== m/main.tf\nvariable \"memory\" {\n  default = 512\n}\nvariable \"cores\" {\n  default = 1\n}\nresource \"a\" \"b\" {\n  memory = var.memory\n  cores = var.cores\n  k = 5\n}\n";
    let single = format!("=== main.tf\nmodule \"m\" {{\n  source = \"./m\"\n  memory = 4096\n}}\n{module}");
    check(&single, "module.m.a.b", "memory", "Argument memory of module.m = 4096 []");
    check(&single, "module.m.a.b", "cores", "Default var.cores = 1 []");
    check(&single, "module.m.a.b", "k", "Block k = 5 []");
    let many = format!(
        "=== main.tf\nlocals {{\n  vms = {{ x = {{ memory = 1 }}, y = {{ memory = 2 }} }}\n}}\nmodule \"m\" {{\n  source = \"./m\"\n  for_each = local.vms\n  \
         memory = each.value.memory\n  cores = 8\n}}\n{module}"
    );
    check(&many, "module.m[\"y\"].a.b", "memory", "Entry local.vms[\"y\"].memory = 2 []");
    check(&many, "module.m[\"y\"].a.b", "cores", "Argument cores of module.m = 8 [module.m[\"x\"].a.b cores]");
    check(&many, "module.m[\"x\"].a.b", "k", "Block k = 5 [module.m[\"y\"].a.b k]");
    let nested = format!(
        "=== main.tf\nmodule \"o\" {{\n  source = \"./o\"\n  size = 7\n}}\n=== o/x.tf\nvariable \"size\" {{}}\nmodule \"m\" {{\n  source = \"../m\"\n  memory = var.size\n  \
         cores = null\n}}\n{module}"
    );
    check(&nested, "module.o.module.m.a.b", "memory", "Argument size of module.o = 7 []");
    check(&nested, "module.o.module.m.a.b", "cores", "Default var.cores = 1 []");
    let output = "=== main.tf\nmodule \"m\" {\n  source = \"./m\"\n}\nresource \"a\" \"b\" {\n  x = module.m.size\n}\n=== m/x.tf\noutput \"size\" {\n  value = 3\n}\n";
    check(output, "a.b", "x", "Output output.size = 3 []");
}

#[test]
fn what_is_only_read_is_marked() {
    let text = "=== main.tf\nresource \"p\" \"q\" {\n  pool_id = \"prod\"\n}\nresource \"a\" \"b\" {\n  p = p.q.pool_id\n  j = local.j\n  o = 1\n  dynamic \"net\" {\n    for_each = [1]\n    content {\n      \
                bridge = \"vmbr0\"\n      n = net.value\n    }\n  }\n}\n=== x.tf.json\n{\"locals\": {\"j\": 1}}\n=== override.tf\nresource \"a\" \"b\" {\n  o = 2\n}\n";
    check(text, "a.b", "p", "Resource p.q.pool_id = \"prod\" []");
    check(text, "a.b", "j", "Local local.j = … []; it is written in JSON syntax");
    check(text, "a.b", "o", "Block o = 2 []; an override file changes it");
    check(text, "a.b", "net[0].bridge", "Block net[0].bridge = \"vmbr0\" []; a `dynamic` block makes it");
    check(text, "a.b", "net[0].n", "computed: net.value");
}

#[test]
fn circles_end() {
    let text = "=== main.tf\nlocals {\n  x = local.y\n  y = local.x\n}\nresource \"a\" \"b\" {\n  x = local.x\n}\nresource \"a\" \"c\" {\n  x = local.y\n}\n";
    assert!(origin(text, "a.b", "x").starts_with("computed: local."));
}
