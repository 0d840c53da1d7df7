//! Extraction of a group of resources to a local module, with variables for what they refer to and outputs for who refers to them.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Changes, aligned};
use super::sources::{Resource, Sources};
use super::{ExtractInput, Extraction, Refusal, check_name};
use crate::edit::{self, Edit};
use crate::merge::layout::{indentation, line_break, reindent};
use crate::quote::quoted;
use crate::traversals::Reference;

/// Moves resources to `modules/NAME`, and calls it in `modules.tf`.
///
/// # Errors
/// Resources that refer to others, or are referred to, in a way that does not reach through a module; a name that is taken.
pub fn module(input: ExtractInput<'_>, blocks: &[String], name: &str) -> Result<Extraction, Refusal> {
    check_name(name)?;
    let sources = Sources::read(input)?;
    if blocks.is_empty() {
        return Err(Refusal("no resources are named".to_owned()));
    }
    let group = sources.select(blocks)?;
    let inside: BTreeSet<String> = group.iter().map(|resource| resource.address.clone()).collect();
    let folder = format!("{}/modules/{name}", input.root);
    if let Some((file, _)) = sources.declared("module", name) {
        return Err(Refusal(format!("`module.{name}` is called in `{}` already", file.path)));
    }
    if input.files.keys().any(|path| path.starts_with(&format!("{folder}/"))) {
        return Err(Refusal(format!("the folder `{folder}` is there already")));
    }
    sources.check_json(&inside)?;

    let mut changes = Changes::new(&sources);
    let mut inputs = Names::default();
    let main = resources(&sources, &group, &inside, &mut inputs)?;
    let mut outputs = Names::default();
    for (file, block) in sources.blocks().filter(|(_, block)| !matches!(block.keyword(), "moved" | "removed")) {
        let own = block.resource_address();
        if own.as_ref().is_some_and(|address| inside.contains(address)) {
            continue;
        }
        let own = own.unwrap_or_else(|| super::title(block));
        for reference in file.references(block)? {
            let Some(address) = reference.head(2).filter(|address| inside.contains(address)) else { continue };
            let is_target = block.keyword() == "import" && reference.attribute == "to";
            let (names, now) = match reference.attribute.as_str() {
                _ if is_target => (2, format!("module.{name}.{address}")),
                "depends_on" => (2, format!("module.{name}")),
                "replace_triggered_by" => {
                    return Err(Refusal(format!(
                        "`{own}` is replaced with `{address}`, which it cannot be through a module"
                    )));
                }
                _ => {
                    let names = reference.names.len().min(3);
                    let expression = reference.head(names).unwrap_or_default();
                    let parts: Vec<&str> = expression.split('.').skip(1).collect();
                    (names, format!("module.{name}.{}", outputs.name(&expression, &parts.join("_"))))
                }
            };
            changes.replace(file, reference.range(names), (&own, &reference.attribute), &now);
        }
    }
    for resource in &group {
        let now = format!("module.{name}.{}", resource.address);
        changes.remove(resource, &now);
        changes.moved(&resource.address, &now, &format!("{folder}/main.tf"));
    }
    changes.create(format!("{folder}/main.tf"), main);
    let (variables, call) = (variables(&sources, &inputs), call(name, &inputs));
    let texts = [
        ("variables.tf", variables),
        ("outputs.tf", output_blocks(&outputs)),
        ("versions.tf", versions(&sources, &group)),
    ];
    for (file, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        changes.create(format!("{folder}/{file}"), text);
    }
    changes.append("modules.tf", call);
    Ok(changes.finish())
}

/// Names of expressions: each expression has one.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// The name of an expression; a new one is `wish`, or that with a number.
    fn name(&mut self, expression: &str, wish: &str) -> String {
        if let Some(name) = self.0.get(expression) {
            return name.clone();
        }
        let is_free = |name: &String| !self.0.values().any(|other| other == name) && !RESERVED.contains(&name.as_str());
        let numbered = (2..).map(|number| format!("{wish}_{number}"));
        let name = std::iter::once(wish.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        self.0.insert(expression.to_owned(), name.clone());
        name
    }
}

/// Names that no variable of a module can have.
const RESERVED: &[&str] =
    &["count", "depends_on", "for_each", "lifecycle", "locals", "provider", "providers", "source", "version"];

/// The blocks as they stand in the module: byte for byte, but for references to what stays outside.
fn resources(
    sources: &Sources<'_>,
    group: &[Resource<'_, '_>],
    inside: &BTreeSet<String>,
    inputs: &mut Names,
) -> Result<String, Refusal> {
    let all: Vec<Vec<Reference>> =
        group.iter().map(|resource| resource.file.references(resource.block)).collect::<Result<_, _>>()?;
    // Variables keep their names, and with them the code its bytes.
    for reference in all.iter().flatten().filter(|reference| reference.names[0].0 == "var") {
        if let Some(expression) = reference.head(2) {
            inputs.name(&expression, &reference.names[1].0);
        }
    }
    let declared: BTreeSet<String> = sources.resources().map(|resource| resource.address).collect();
    let mut text = String::new();
    for (resource, references) in group.iter().zip(&all) {
        let file = resource.file;
        let range = file
            .piece(resource.block.range().start)
            .map_or_else(|| resource.block.range(), |piece| piece.lines.clone());
        let mut edits = Vec::new();
        for reference in references {
            let Some((names, expression)) = outside(resource, reference, inside, &declared)? else { continue };
            let parts: Vec<&str> =
                expression.split('.').skip(if reference.names[0].0 == "data" { 2 } else { 1 }).collect();
            let name = inputs.name(&expression, &parts.join("_"));
            let at = reference.range(names);
            edits.push(Edit { range: at.start - range.start..at.end - range.start, text: format!("var.{name}") });
        }
        if !text.is_empty() {
            text.push_str(line_break(file.text));
        }
        text.push_str(&edit::apply(&file.text[range], edits));
        if !text.ends_with('\n') {
            text.push_str(line_break(file.text));
        }
    }
    Ok(text)
}

/// The expression that a reference to something outside becomes a variable for, and the number of its names.
fn outside(
    resource: &Resource<'_, '_>,
    reference: &Reference,
    inside: &BTreeSet<String>,
    declared: &BTreeSet<String>,
) -> Result<Option<(usize, String)>, Refusal> {
    let own = &resource.address;
    let head = reference.head(2).unwrap_or_default();
    if inside.contains(&head) {
        return Ok(None);
    }
    if reference.attribute == "provider" {
        return Err(Refusal(format!("`{own}` chooses a provider, which no variable can")));
    }
    let names = match reference.names[0].0.as_str() {
        "var" | "local" => 2,
        "module" => 3,
        "data" => 4,
        "path" if head == "path.module" => {
            return Err(Refusal(format!("`{own}` refers to `path.module`, which is another folder in a module")));
        }
        _ if declared.contains(&head) => 3,
        _ => return Ok(None),
    };
    if matches!(reference.attribute.as_str(), "depends_on" | "replace_triggered_by") {
        return Err(Refusal(format!(
            "`{own}` names `{head}` in `{}`, which has to be in the module as well",
            reference.attribute
        )));
    }
    let names = names.min(reference.names.len());
    Ok(reference.head(names).map(|expression| (names, expression)))
}

/// The variables of the module. Those that the root module has as well keep type, description and sensitivity.
fn variables(sources: &Sources<'_>, inputs: &Names) -> String {
    let mut blocks: Vec<(&String, String)> = Vec::new();
    for (expression, name) in &inputs.0 {
        let root = expression.strip_prefix("var.").and_then(|name| sources.declared("variable", name));
        let mut attributes = Vec::new();
        if let Some((file, block)) = root {
            for word in ["description", "type", "sensitive"] {
                let Some(attribute) = block.attribute(word) else { continue };
                let from = indentation(file.text, attribute.range().start);
                attributes.push((word.to_owned(), reindent(attribute.source(), from, "  ", "\n")));
            }
        } else {
            attributes.push(("description".to_owned(), quoted(&format!("{expression} of the root module"))));
        }
        let body = if attributes.is_empty() { String::new() } else { format!("\n{}", aligned(&attributes, "  ")) };
        blocks.push((name, format!("variable {} {{{body}}}\n", quoted(name))));
    }
    blocks.sort();
    blocks.into_iter().map(|(_, block)| block).collect::<Vec<_>>().join("\n")
}

fn output_blocks(outputs: &Names) -> String {
    let mut blocks: Vec<(&String, &String)> = outputs.0.iter().map(|(expression, name)| (name, expression)).collect();
    blocks.sort();
    let block =
        |(name, expression): (&String, &String)| format!("output {} {{\n  value = {expression}\n}}\n", quoted(name));
    blocks.into_iter().map(block).collect::<Vec<_>>().join("\n")
}

fn call(name: &str, inputs: &Names) -> String {
    let mut arguments: Vec<(String, String)> =
        inputs.0.iter().map(|(expression, name)| (name.clone(), expression.clone())).collect();
    arguments.sort();
    let blank = if arguments.is_empty() { "" } else { "\n" };
    let source = quoted(&format!("./modules/{name}"));
    format!("module {} {{\n  source = {source}\n{blank}{}}}\n", quoted(name), aligned(&arguments, "  "))
}

/// The providers of the resources, as the root module requires them; empty where it requires none.
fn versions(sources: &Sources<'_>, group: &[Resource<'_, '_>]) -> String {
    let used: BTreeSet<&str> =
        group.iter().map(|resource| resource.type_name.split('_').next().unwrap_or_default()).collect();
    let mut requirements = Vec::new();
    for (file, block) in sources.blocks().filter(|(_, block)| block.keyword() == "terraform") {
        for required in block.blocks("required_providers") {
            for attribute in required.attributes().filter(|attribute| used.contains(attribute.name())) {
                let from = indentation(file.text, attribute.range().start);
                let source = reindent(attribute.source(), from, "    ", "\n");
                requirements.push((attribute.name().to_owned(), source));
            }
        }
    }
    if requirements.is_empty() {
        return String::new();
    }
    format!("terraform {{\n  required_providers {{\n{}  }}\n}}\n", aligned(&requirements, "    "))
}
