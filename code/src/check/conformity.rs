//! Conformity: attributes and blocks that the provider does not have, of the wrong type, or missing.

use super::code::{Code, Resource};
use super::finding::{Draft, Spot};
use super::provider::{self, Body, Form};
use super::recorded::Recorded;
use super::references::nearest;
use super::rule::{Rule, Severity};
use crate::configuration::{Entry, Fields, Node, NodeKind, Value};

pub(super) static UNKNOWN_TYPE: Rule = Rule {
    code: "PVE301",
    name: "unknown-resource-type",
    severity: Severity::Error,
    summary: "The provider bpg/proxmox has no such resource type.",
    case: "terraform {\n  required_providers {\n    proxmox = {\n      source = \"bpg/proxmox\"\n    }\n  }\n}\n\nresource \
           \"proxmox_virtual_environment_virtual_machine\" \"web\" {\n  node_name = \"pve\"\n}\n",
    why: "Terraform refuses the module. `proxmox_vm_qemu` and `proxmox_lxc` are types of another provider, Telmate/proxmox.",
    remedy: "Use a type of the provider: `proxmox_virtual_environment_vm` for a virtual machine, \
             `proxmox_virtual_environment_container` for a container.",
};

pub(super) static UNKNOWN_ATTRIBUTE: Rule = Rule {
    code: "PVE302",
    name: "unknown-attribute",
    severity: Severity::Error,
    summary: "The resource has no such attribute or block.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n  cores     = 4\n}\n",
    why: "Terraform refuses the module, or passes over the entry of an object without a word. The table is of version 0.111.1 of \
          the provider: another version may have other attributes.",
    remedy: "Correct the name, or put the attribute into its block: `cpu { cores = 4 }`.",
};

pub(super) static READ_ONLY: Rule = Rule {
    code: "PVE303",
    name: "read-only-attribute",
    severity: Severity::Error,
    summary: "The attribute is set by the provider alone.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name      = \"pve\"\n  ipv4_addresses = \
           [[\"192.0.2.10\"]]\n}\n",
    why: "Terraform refuses the module: the value is what the provider reads, such as addresses that the guest agent reports.",
    remedy: "Remove the line. A guest gets an address in `initialization { ip_config { … } }`.",
};

pub(super) static MISSING: Rule = Rule {
    code: "PVE304",
    name: "missing-attribute",
    severity: Severity::Error,
    summary: "A required attribute or block is missing.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  name = \"web\"\n}\n",
    why: "Terraform refuses the module.",
    remedy: "Add it.",
};

pub(super) static WRONG_TYPE: Rule = Rule {
    code: "PVE305",
    name: "wrong-type",
    severity: Severity::Error,
    summary: "A value has the wrong type, a block is written as an attribute or the other way round, or there are too many of it.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n  on_boot   = \"yes\"\n}\n",
    why: "Terraform refuses the module.",
    remedy: "Write the value in the type that is named.",
};

/// Arguments and blocks that every resource may have.
const META: &[&str] = &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

pub(super) fn find(code: &Code<'_, '_>, _: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    let first = drafts.len();
    for resource in &code.resources {
        let resource_type = resource.instance.address.resource_type.as_str();
        let Some(body) = provider::resource(resource_type) else {
            drafts.extend(unknown_type(code, resource, resource_type));
            continue;
        };
        let mut check = Check { resource, drafts: &mut *drafts };
        check.body(body, &resource.fields, true);
    }
    let Some(other) = &code.other_provider else { return };
    for draft in &mut drafts[first..] {
        draft.most = Some(Severity::Warning);
        draft.help.push(format!("The table is of version {}, and the lock file has {other}.", provider::VERSION));
    }
}

/// A type of the prefix that the provider does not have. Other providers use the prefix as well: the module has to name ours.
fn unknown_type(code: &Code<'_, '_>, resource: &Resource<'_, '_>, resource_type: &str) -> Option<Draft> {
    let folder = |file: &str| file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let own = folder(resource.fields.place.file);
    let names_ours = |(file, text): (&String, &String)| folder(file) == own && text.contains("\"bpg/proxmox\"");
    if !code.texts.iter().any(names_ours) {
        return None;
    }
    let message = format!("the provider bpg/proxmox has no resource type `{resource_type}`");
    let draft = Draft::new(&UNKNOWN_TYPE, &resource.fields.place, message).at(&resource.address);
    let types: Vec<String> = provider::resources().map(str::to_owned).collect();
    Some(nearest(resource_type, &types).into_iter().fold(draft, Draft::help))
}

struct Check<'r, 'c, 'f, 'd> {
    resource: &'r Resource<'c, 'f>,
    drafts: &'d mut Vec<Draft>,
}

impl<'f> Check<'_, '_, 'f, '_> {
    fn add(&mut self, draft: Draft) {
        self.drafts.push(draft.at(&self.resource.address));
    }

    fn body(&mut self, body: &Body, fields: &Fields<'f>, is_top: bool) {
        for entry in &fields.entries {
            if is_top && META.contains(&entry.name.as_str()) {
                continue;
            }
            self.entry(body, entry);
        }
        self.missing(body, fields);
    }

    fn entry(&mut self, body: &Body, entry: &Entry<'f>) {
        let name = entry.name.as_str();
        if let Some(attribute) = body.attributes.get(name) {
            if attribute.is_computed {
                if !entry.node.is_null() {
                    let message = format!("`{name}` is set by the provider alone");
                    self.add(Draft::new(&READ_ONLY, &entry.place, message));
                }
            } else if entry.is_block && !is_list_of_objects(&attribute.form) {
                let message = format!("`{name}` is an attribute, not a block");
                let help = format!("Write `{name} = …`.");
                self.add(Draft::new(&WRONG_TYPE, &entry.place, message).help(help));
            } else {
                self.value(name, &attribute.form, &entry.node);
            }
            return;
        }
        let Some(nested) = body.blocks.get(name) else { return self.unknown(body, entry) };
        // In JSON syntax, blocks are objects or lists of objects; all of a JSON file has one place.
        let is_json = Spot::from(&entry.place).is_json();
        if !entry.is_block && !is_json {
            let message = format!("`{name}` is a block, not an attribute");
            let help = format!("Write `{name} {{ … }}`, or `dynamic \"{name}\"` for several from a list.");
            return self.add(Draft::new(&WRONG_TYPE, &entry.place, message).help(help));
        }
        for fields in entry.node.fields() {
            self.body(&nested.body, fields, false);
        }
    }

    fn unknown(&mut self, body: &Body, entry: &Entry<'f>) {
        let name = entry.name.as_str();
        let noun = if entry.is_block { "block" } else { "attribute" };
        let draft = Draft::new(&UNKNOWN_ATTRIBUTE, &entry.place, format!("there is no {noun} `{name}` here"));
        let known: Vec<String> = body
            .attributes
            .iter()
            .filter(|(_, attribute)| !attribute.is_computed)
            .map(|(known, _)| (*known).to_owned())
            .chain(body.blocks.keys().map(|known| (*known).to_owned()))
            .collect();
        // Some attributes have their place in a block of the resource.
        let inside = body.blocks.iter().find(|(_, nested)| nested.body.attributes.contains_key(name));
        let help = match inside {
            Some((block, _)) => Some(format!("It belongs in the block `{block}`.")),
            None => nearest(name, &known).filter(|help| help.starts_with("Did")),
        };
        self.add(help.into_iter().fold(draft, Draft::help));
    }

    fn missing(&mut self, body: &Body, fields: &Fields<'f>) {
        let required = body.attributes.iter().filter(|(_, attribute)| attribute.is_required).map(|(name, _)| *name);
        for name in required.filter(|name| fields.is_closed(name)) {
            if fields.get(name).is_none_or(Node::is_null) {
                self.add(Draft::new(&MISSING, &fields.place, format!("`{name}` is missing")));
            }
        }
        for (name, nested) in body.blocks.iter().filter(|(name, _)| fields.is_closed(name)) {
            let blocks = fields.blocks(name);
            if blocks.len() < nested.least && fields.get(name).is_none_or(|node| !node.is_unknown()) {
                self.add(Draft::new(&MISSING, &fields.place, format!("a block `{name}` is missing")));
            }
            if let Some(most) = nested.most.filter(|most| blocks.len() > *most) {
                let message = format!("{} blocks `{name}`: there may be {most}", blocks.len());
                self.add(Draft::new(&WRONG_TYPE, &blocks[most].place, message));
            }
        }
    }

    fn value(&mut self, name: &str, form: &Form, node: &Node<'f>) {
        let fits = match (&node.kind, form) {
            (NodeKind::Unknown | NodeKind::Scalar(Value::Null), _) | (NodeKind::Scalar(_), Form::Text) => true,
            (NodeKind::Scalar(value), Form::Number) => !matches!(value, Value::Bool(_)) && node.number().is_some(),
            (NodeKind::Scalar(value), Form::Truth) => !matches!(value, Value::Number(_)) && node.truth().is_some(),
            (NodeKind::List(list), Form::List(inner)) => {
                for node in list {
                    self.value(name, inner, node);
                }
                true
            }
            (NodeKind::Fields(fields), Form::Map(inner)) => {
                fields.entries.iter().for_each(|entry| self.value(&entry.name, inner, &entry.node));
                true
            }
            (NodeKind::Fields(fields), Form::Object(forms)) => {
                for entry in &fields.entries {
                    if let Some(form) = forms.get(entry.name.as_str()) {
                        self.value(&entry.name, form, &entry.node);
                    } else if entry.is_block || fields.place != node.place {
                        self.unknown_entry(forms.keys(), entry);
                    }
                }
                true
            }
            // A block stands for a list of one.
            (NodeKind::Fields(_), Form::List(inner)) if is_list_of_objects(form) => {
                self.object_block(inner, node);
                true
            }
            (_, Form::Nested { nesting, body }) => self.nested(nesting, body, node),
            _ => false,
        };
        if !fits {
            self.add(Draft::new(&WRONG_TYPE, &node.place, format!("`{name}` has to be {}", form.words())));
        }
    }

    /// A list of objects that is written as blocks, whose attributes are all optional.
    fn object_block(&mut self, form: &Form, node: &Node<'f>) {
        let (Form::Object(forms), NodeKind::Fields(fields)) = (form, &node.kind) else { return };
        for entry in &fields.entries {
            match forms.get(entry.name.as_str()) {
                Some(form) => self.value(&entry.name, form, &entry.node),
                None => self.unknown_entry(forms.keys(), entry),
            }
        }
    }

    fn unknown_entry<'k>(&mut self, known: impl Iterator<Item = &'k &'static str>, entry: &Entry<'f>) {
        let message = format!("there is no attribute `{}` here", entry.name);
        let known: Vec<String> = known.map(|name| (*name).to_owned()).collect();
        let help = nearest(&entry.name, &known).filter(|help| help.starts_with("Did"));
        self.add(help.into_iter().fold(Draft::new(&UNKNOWN_ATTRIBUTE, &entry.place, message), Draft::help));
    }

    /// An attribute with attributes of its own. Reports whether it has the right nesting.
    fn nested(&mut self, nesting: &str, body: &Body, node: &Node<'f>) -> bool {
        match (nesting, &node.kind) {
            (_, NodeKind::Unknown) => true,
            ("single", NodeKind::Fields(fields)) => {
                self.body(body, fields, false);
                true
            }
            ("map", NodeKind::Fields(map)) => {
                for entry in &map.entries {
                    entry.node.fields().into_iter().for_each(|fields| self.body(body, fields, false));
                }
                true
            }
            ("list" | "set", NodeKind::List(list)) => {
                list.iter().flat_map(Node::fields).for_each(|fields| self.body(body, fields, false));
                true
            }
            _ => false,
        }
    }
}

/// Reports whether an attribute may be written as blocks: the provider's old kind of lists.
fn is_list_of_objects(form: &Form) -> bool {
    matches!(form, Form::List(inner) if matches!(**inner, Form::Object(_)))
}
