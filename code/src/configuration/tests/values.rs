//! Values of expressions. `console.txt` has what `terraform console` says of the same expressions.

use super::{files, instance, read};
use crate::configuration::Path;

/// The value of an attribute, as JSON; `-` where it cannot be known.
fn check(text: &str, address: &str, path: &str, expected: &str) {
    let files = files(text);
    let configuration = read(&files);
    let path: Path = path.parse().unwrap();
    let value = configuration.value(instance(&configuration, address), &path);
    let value = value.map_or("-".to_owned(), |value| serde_json::to_value(value).unwrap().to_string());
    assert_eq!(value, expected, "{path} in {text}");
}

#[test]
fn expressions_have_the_values_that_terraform_gives_them() {
    for line in include_str!("console.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expression, expected) = line.split_once('\t').unwrap();
        check(
            &format!("=== main.tf\nresource \"a\" \"b\" {{\n  x = {expression}\n}}\n{CONTEXT}"),
            "a.b",
            "x",
            expected,
        );
    }
}

/// The configuration in which the expressions of `console.txt` were evaluated.
const CONTEXT: &str = "
variable \"size\" {
  type    = number
  default = \"2048\"
}
variable \"names\" {
  type    = set(string)
  default = [\"b\", \"a\", \"b\"]
}
variable \"vms\" {
  type    = map(object({ memory = optional(number, 512), tags = optional(list(string), []) }))
  default = { web = { memory = \"4096\" }, db = { tags = [\"x\"] } }
}
locals {
  vms    = { web = { id = 101, memory = 4096 }, db = { id = 102 } }
  list   = [\"c\", \"a\", \"b\"]
  prefix = \"vm\"
  nested = [{ k = \"x\", v = [1, 2] }, { k = \"y\", v = [3] }]
  name   = \"${local.prefix}-${local.vms.web.id}\"
}
";

#[test]
fn values_follow_references() {
    let guests = "=== main.tf\nlocals {\n  vms = { web = { memory = 4096 }, db = {} }\n}\nresource \"a\" \"b\" {\n  for_each = local.vms\n  \
                  name = each.key\n  memory = try(each.value.memory, 512)\n  label = \"vm-${each.key}\"\n}\n";
    check(guests, "a.b[\"web\"]", "memory", "4096");
    check(guests, "a.b[\"db\"]", "memory", "512");
    check(guests, "a.b[\"db\"]", "label", "\"vm-db\"");
    let counted =
        "=== main.tf\nresource \"a\" \"b\" {\n  count = 2\n  name = format(\"vm-%02d\", count.index + 1)\n}\n";
    check(counted, "a.b[1]", "name", "\"vm-02\"");
    let module = "=== main.tf\nmodule \"m\" {\n  source = \"./m\"\n  for_each = { x = { memory = 1 } }\n  memory = each.value.memory\n  name = each.key\n}\n\
                  resource \"a\" \"o\" {\n  x = module.m[\"x\"].twice\n}\n=== m/main.tf\nvariable \"memory\" {}\nvariable \"name\" {\n  type = string\n}\n\
                  variable \"cores\" {\n  default = 2\n}\nlocals {\n  twice = var.memory * 2\n}\noutput \"twice\" {\n  value = local.twice\n}\n\
                  resource \"a\" \"b\" {\n  memory = var.memory\n  cores = var.cores\n  dir = path.module\n}\n";
    check(module, "module.m[\"x\"].a.b", "memory", "1");
    check(module, "module.m[\"x\"].a.b", "cores", "2");
    check(module, "module.m[\"x\"].a.b", "dir", "\"m\"");
    check(module, "a.o", "x", "2");
    let references = "=== main.tf\nresource \"s\" \"x\" {}\nresource \"v\" \"y\" {\n  vm_id = 100 + 1\n}\nresource \"p\" \"z\" {\n  pool_id = \"prod\"\n}\n\
                      resource \"a\" \"b\" {\n  s = s.x.id\n  v = v.y.id\n  p = \"/pool/${p.z.pool_id}\"\n  q = p.z.id\n  u = p.z.comment\n  t = t.t.id\n}\nresource \"user\" \"u\" {\n  user_id = \"ada@pve\"\n}\nresource \"t\" \"t\" {\n  user_id = user.u.user_id\n  token_name = \"ci\"\n}\n\
                      import {\n  to = s.x\n  id = \"local-lvm\"\n}\n";
    check(references, "a.b", "s", "\"local-lvm\"");
    check(references, "a.b", "v", "\"101\"");
    check(references, "a.b", "p", "\"/pool/prod\"");
    check(references, "a.b", "t", "\"ada@pve!ci\"");
    check(references, "a.b", "q", "-");
    check(references, "a.b", "u", "-");
    let circle = "=== main.tf\nlocals {\n  x = local.y\n  y = local.x\n  z = [local.z]\n}\nresource \"a\" \"b\" {\n  x = local.x\n  z = local.z\n  w = var.none\n}\n";
    check(circle, "a.b", "x", "-");
    check(circle, "a.b", "z", "-");
    check(circle, "a.b", "w", "-");
    let overridden = "=== main.tf\nresource \"a\" \"b\" {\n  x = 1\n  y = 1\n  d {\n    z = 1\n  }\n}\nlocals {\n  l = 1\n}\n=== override.tf\nresource \"a\" \"b\" {\n  x = local.l\n  d {\n    z = 2\n  }\n}\nlocals {\n  l = 3\n}\n";
    check(overridden, "a.b", "x", "3");
    check(overridden, "a.b", "y", "1");
    check(overridden, "a.b", "d[0].z", "2");
    let json = "=== x.tf.json\n{\"resource\": {\"a\": {\"b\": {\"x\": \"${local.l}-1\", \"d\": [{\"i\": \"q\", \"z\": 1}], \"e\": {\"f\": {\"g\": 2}}}}}, \"locals\": {\"l\": \"v\"}}\n";
    check(json, "a.b", "x", "\"v-1\"");
    check(json, "a.b", "d[i=q].z", "1");
    check(json, "a.b", "d.z", "1");
    check(json, "a.b", "e[0].f.g", "2");
}

#[test]
fn paths_lead_into_nested_blocks() {
    let text = "=== main.tf\nlocals {\n  second = \"scsi1\"\n  nics = [\"vmbr0\", \"vmbr1\"]\n}\nresource \"a\" \"b\" {\n  disk {\n    interface = \"scsi0\"\n    size = 8\n  }\n  disk {\n    \
                interface = local.second\n    size = 16\n  }\n  dynamic \"net\" {\n    for_each = local.nics\n    content {\n      bridge = net.value\n      position = net.key\n    }\n  }\n  \
                cpu {\n    cores = 2\n    inner {\n      x = [1, { y = 2 }]\n    }\n  }\n  text = <<-EOT\n    a\n      ${local.second}\n  EOT\n  plain = <<EOT\n  b\nEOT\n}\n";
    check(text, "a.b", "disk[0].size", "8");
    check(text, "a.b", "disk[interface=scsi1].size", "16");
    check(text, "a.b", "disk[interface=scsi2].size", "-");
    check(text, "a.b", "disk[5].size", "-");
    check(text, "a.b", "net[1].bridge", "\"vmbr1\"");
    check(text, "a.b", "net[1].position", "1");
    check(text, "a.b", "cpu.cores", "2");
    check(text, "a.b", "cpu[0].inner[0].x[1].y", "2");
    check(text, "a.b", "cpu", "[{\"cores\":2,\"inner\":[{\"x\":[1,{\"y\":2}]}]}]");
    check(text, "a.b", "disk[1]", "{\"interface\":\"scsi1\",\"size\":16}");
    check(text, "a.b", "text", "\"a\\n  scsi1\\n\"");
    check(text, "a.b", "plain", "\"  b\\n\"");
    check(text, "a.b", "none", "-");
    check(&text.replace('\n', "\r\n"), "a.b", "disk[interface=scsi1].size", "16");
}
