//! Schema: every generated block conforms to the provider's schema.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hcl_edit::expr::{Expression, Object, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Block, Body};
use hcl_edit::template::Element;
use serde_json::Value;

use crate::support::clusters::{all, generated, place, terraform};

#[test]
fn every_block_conforms_to_the_providers_schema() {
    let schema = Schema::read();
    let mut resources = 0;
    for (name, answers) in all() {
        for (path, text) in terraform(&generated(&answers).files) {
            let (count, complaints) = schema.check(text);
            assert_eq!(complaints, Vec::<String>::new(), "{name}: {path}");
            resources += count;
        }
    }
    assert!(resources > 400, "{resources} resources");
}

/// The check finds faults that were put into the code.
#[test]
fn what_does_not_conform_is_found() {
    let schema = Schema::read();
    let check = |body: &str, expected: &[&str]| {
        let text = format!("resource \"proxmox_virtual_environment_vm\" \"a\" {{\n{body}\n}}\n");
        assert_eq!(schema.check(&text).1, expected, "{body}");
    };
    check("node_name = \"a\"", &[]);
    check("", &["a: `node_name` is required"]);
    check("node_name = \"a\"\nnonsense = 1", &["a: no attribute `nonsense`"]);
    check("node_name = \"a\"\nipv4_addresses = []", &["a: `ipv4_addresses` is computed only"]);
    check("node_name = \"a\"\non_boot = \"yes\"", &["a: `on_boot` is no \"bool\""]);
    check("node_name = \"a\"\ntags = [1]", &["a: `tags` is no \"string\""]);
    check("node_name = \"a\"\nvm_id = proxmox_virtual_environment_vm.b.started", &["a: `vm_id` is no \"number\""]);
    check("node_name = \"a\"\nvm_id = proxmox_virtual_environment_vm.b.name", &[]);
    check(
        "node_name = \"a\"\npool_id = proxmox_virtual_environment_pool.b.nonsense",
        &["a: `pool_id` refers to nothing"],
    );
    check("node_name = \"a\"\ndepends_on = [proxmox_virtual_environment_pool.b]", &[]);
    check("node_name = \"a\"\ndepends_on = [nonsense.b]", &["a: `depends_on` is no list of resources"]);
    check("node_name = \"a\"\nthing {}", &["a: no block `thing`"]);
    check("node_name = \"a\"\ncpu {}\ncpu {}", &["a: 2 blocks `cpu`"]);
    check("node_name = \"a\"\ncpu {\nnonsense = 1\n}", &["a.cpu: no attribute `nonsense`"]);
    check("node_name = \"a\"\nnetwork_device {\nnonsense = 1\n}", &["a.network_device: no attribute `nonsense`"]);
    check("node_name = \"a\"\nlifecycle {\nignore_changes = [nonsense]\n}", &["a: nothing to ignore at `nonsense`"]);
    check("node_name = \"a\"\nlifecycle {\nignore_changes = [cpu[0].type]\n}", &[]);
    assert_eq!(schema.check("resource \"a\" \"b\" {}").1, ["no resource `a`"]);
    let nested = |body: &str, expected: &[&str]| {
        let text =
            format!("resource \"proxmox_hardware_mapping_usb\" \"a\" {{\nname = \"a\"\nmap = [{{ {body} }}]\n}}\n");
        assert_eq!(schema.check(&text).1, expected, "{body}");
    };
    nested("node = \"a\", id = \"b\"", &[]);
    nested("node = 1, id = \"b\"", &["a.map: `node` is no \"string\""]);
    nested("node = \"a\", nonsense = 1", &["a.map: no attribute `nonsense`", "a.map: `id` is required"]);
    let subnet = |range: &str, expected: &[&str]| {
        let text =
            format!("resource \"proxmox_sdn_subnet\" \"a\" {{\ncidr = \"c\"\nvnet = \"v\"\ndhcp_range = {range}\n}}\n");
        assert_eq!(schema.check(&text).1, expected, "{range}");
    };
    subnet("{ start_address = \"a\", end_address = \"b\" }", &[]);
    subnet(
        "{ start_address = 1, other = true }",
        &[
            "a.dhcp_range: `start_address` is no \"string\"",
            "a.dhcp_range: no attribute `other`",
            "a.dhcp_range: `end_address` is required",
        ],
    );
}

/// The provider's schema in the form of `fixtures/README.md`.
pub(crate) struct Schema {
    resources: Value,
}

impl Schema {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(place("schema/bpg-proxmox-0.111.1.json")).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        Self { resources: schema["resources"].take() }
    }

    /// Number of resources in the text, and their faults.
    pub(crate) fn check(&self, text: &str) -> (usize, Vec<String>) {
        let body = parse_body(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut complaints = Vec::new();
        let mut resources = 0;
        for block in body.blocks().filter(|block| block.ident.as_str() == "resource") {
            let [resource, label] = block.labels.as_slice() else { panic!("a resource has two labels") };
            resources += 1;
            match self.resources.get(resource.as_str()) {
                Some(schema) => {
                    Check { schema: self, resource: schema, complaints: &mut complaints }.body(
                        label.as_str(),
                        &block.body,
                        schema,
                        true,
                    );
                }
                None => complaints.push(format!("no resource `{}`", resource.as_str())),
            }
        }
        (resources, complaints)
    }
}

struct Check<'a> {
    schema: &'a Schema,
    resource: &'a Value,
    complaints: &'a mut Vec<String>,
}

impl Check<'_> {
    fn say(&mut self, at: &str, complaint: &str) {
        self.complaints.push(format!("{at}: {complaint}"));
    }

    fn body(&mut self, at: &str, body: &Body, schema: &Value, top: bool) {
        let known = |name: &str| schema["attributes"].get(name);
        for attribute in body.attributes() {
            let name = attribute.key.as_str();
            match known(name) {
                None if top && name == "depends_on" => self.awaited(at, &attribute.value),
                None => self.say(at, &format!("no attribute `{name}`")),
                Some(form) if form[1] == "computed" => self.say(at, &format!("`{name}` is computed only")),
                Some(form) => self.value(at, name, &attribute.value, &form[0]),
            }
        }
        for (name, form) in schema["attributes"].as_object().into_iter().flatten() {
            let required = form[1].as_str().is_some_and(|flags| flags.split(' ').any(|flag| flag == "required"));
            if required && body.get_attribute(name).is_none() {
                self.say(at, &format!("`{name}` is required"));
            }
        }
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for block in body.blocks() {
            let name = block.ident.as_str();
            *counts.entry(name).or_default() += 1;
            if top && name == "lifecycle" {
                self.lifecycle(at, block);
            } else if let Some(below) = schema["blocks"].get(name) {
                self.body(&format!("{at}.{name}"), &block.body, below, false);
            } else if let Some(object) = known(name).and_then(|form| form[0][1].get(1)) {
                // A list of objects may be written as blocks, whose attributes are then all optional.
                self.object(&format!("{at}.{name}"), block, object);
            } else {
                self.say(at, &format!("no block `{name}`"));
            }
        }
        for (name, below) in schema["blocks"].as_object().into_iter().flatten() {
            let count = counts.get(name.as_str()).copied().unwrap_or_default();
            if count < below["min"].as_u64().unwrap_or(0) || count > below["max"].as_u64().unwrap_or(u64::MAX) {
                self.say(at, &format!("{count} blocks `{name}`"));
            }
        }
    }

    /// Addresses of resources of known types.
    fn awaited(&mut self, at: &str, value: &Expression) {
        let known = |one: &Expression| match one {
            Expression::Traversal(traversal) => match &traversal.expr {
                Expression::Variable(first) => self.schema.resources.get(first.as_str()).is_some(),
                _ => false,
            },
            _ => false,
        };
        if !value.as_array().is_some_and(|addresses| addresses.iter().all(known)) {
            self.say(at, "`depends_on` is no list of resources");
        }
    }

    fn object(&mut self, at: &str, block: &Block, object: &Value) {
        for attribute in block.body.attributes() {
            let name = attribute.key.as_str();
            match object.get(name) {
                None => self.say(at, &format!("no attribute `{name}`")),
                Some(form) => self.value(at, name, &attribute.value, form),
            }
        }
    }

    fn value(&mut self, at: &str, name: &str, value: &Expression, form: &Value) {
        let fits = match value {
            Expression::String(_) | Expression::HeredocTemplate(_) => form == "string",
            Expression::Number(_) => form == "number",
            Expression::Bool(_) => form == "bool",
            Expression::StringTemplate(template) => {
                let found = |element: &Element| match element {
                    Element::Interpolation(one) => match &one.expr {
                        Expression::Traversal(traversal) => self.referred(traversal).is_some(),
                        _ => false,
                    },
                    Element::Literal(_) => true,
                    Element::Directive(_) => false,
                };
                if !template.iter().all(found) {
                    return self.say(at, &format!("`{name}` refers to nothing"));
                }
                form == "string"
            }
            // A heredoc without its last line end.
            Expression::FuncCall(call) => call.name.name.as_str() == "chomp" && form == "string",
            Expression::Null(_) => true,
            Expression::Array(items) => match form[0].as_str() {
                Some("list" | "set") => return items.iter().for_each(|item| self.value(at, name, item, &form[1])),
                _ => false,
            },
            Expression::Object(items) if form.is_object() => return self.nested(&format!("{at}.{name}"), items, form),
            Expression::Object(items) if form[0] == "single" => {
                return self.nested(&format!("{at}.{name}"), items, &form[1]);
            }
            Expression::Object(items) if form[0] == "map" => {
                for (key, value) in items {
                    assert!(matches!(key, ObjectKey::Ident(_) | ObjectKey::Expression(Expression::String(_))));
                    self.value(at, name, value.expr(), &form[1]);
                }
                return;
            }
            Expression::Traversal(traversal) => {
                let Some(found) = self.referred(traversal) else {
                    return self.say(at, &format!("`{name}` refers to nothing"));
                };
                // Terraform makes a number of a text, and the other way round. A variable may be a map.
                found == *form
                    || (found == "variable" && (form == "string" || form == "number" || form[0] == "map"))
                    || (found == "string" && form == "number")
                    || (found == "number" && form == "string")
            }
            _ => false,
        };
        if !fits {
            self.say(at, &format!("`{name}` is no {form}"));
        }
    }

    /// An object of attributes, each with its type and flags, as the value of one.
    fn nested(&mut self, at: &str, items: &Object, attributes: &Value) {
        let mut written = BTreeSet::new();
        for (key, value) in items {
            let ObjectKey::Ident(key) = key else { return self.say(at, "a key is no name") };
            match attributes.get(key.as_str()) {
                None => self.say(at, &format!("no attribute `{}`", key.as_str())),
                Some(form) if form[1] == "computed" => self.say(at, &format!("`{}` is computed only", key.as_str())),
                Some(form) => self.value(at, key.as_str(), value.expr(), &form[0]),
            }
            written.insert(key.as_str());
        }
        for (name, form) in attributes.as_object().into_iter().flatten() {
            let required = form[1].as_str().is_some_and(|flags| flags.split(' ').any(|flag| flag == "required"));
            if required && !written.contains(name.as_str()) {
                self.say(at, &format!("`{name}` is required"));
            }
        }
    }

    /// Type of a reference: `var.name`, or an attribute of a resource.
    fn referred(&self, traversal: &Traversal) -> Option<Value> {
        let Expression::Variable(first) = &traversal.expr else { return None };
        let mut steps = traversal.operators.iter().map(|operator| match operator.value() {
            TraversalOperator::GetAttr(name) => Some(name.as_str()),
            _ => None,
        });
        if first.as_str() == "var" {
            return (steps.len() == 1).then(|| Value::from("variable"));
        }
        let (_, attribute) = (steps.next()??, steps.next()??);
        let form = self.schema.resources.get(first.as_str())?["attributes"].get(attribute)?;
        steps.next().is_none().then(|| form[0].clone())
    }

    fn lifecycle(&mut self, at: &str, block: &Block) {
        for attribute in block.body.attributes() {
            match (attribute.key.as_str(), &attribute.value) {
                ("prevent_destroy", Expression::Bool(_)) => {}
                ("ignore_changes", Expression::Array(paths)) => {
                    for path in paths {
                        let text = path.to_string();
                        if self.ignorable(text.trim()).is_none() {
                            self.say(at, &format!("nothing to ignore at `{}`", text.trim()));
                        }
                    }
                }
                (name, _) => self.say(at, &format!("`{name}` has no place in a lifecycle")),
            }
        }
    }

    /// `cpu[0].type` leads through blocks to an attribute or a block.
    fn ignorable(&self, path: &str) -> Option<()> {
        let mut schema = self.resource;
        let mut steps = path.split('.').peekable();
        while let Some(step) = steps.next() {
            let name = step.strip_suffix(']').and_then(|step| step.split_once('[')).map_or(step, |(name, _)| name);
            if schema["attributes"].get(name).is_some() {
                return steps.next().is_none().then_some(());
            }
            schema = schema["blocks"].get(name)?;
        }
        Some(())
    }
}
