//! Extraction of alike resources to one resource with a `for_each` over a map.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::changes::{Changes, aligned};
use super::settings::{Setting, nested_blocks, settings};
use super::sources::{Resource, Sources};
use super::{ExtractInput, Extraction, Refusal, check_name};
use crate::configuration::Step;
use crate::merge::layout::{indentation, line_end, reindent};
use crate::merge::pieces::comments;

/// A resource of the group, with its attributes by path.
struct Member<'s, 'f> {
    resource: Resource<'s, 'f>,
    settings: Vec<Setting>,
}

/// Makes one resource, `name`, of alike ones. Values that differ become entries of a map in `locals.tf`, by the old labels.
///
/// # Errors
/// Resources that differ in more than values, or refer to one another, and names that are taken.
pub fn for_each(input: ExtractInput<'_>, blocks: &[String], name: &str) -> Result<Extraction, Refusal> {
    check_name(name)?;
    let sources = Sources::read(input)?;
    let members = members(&sources, blocks)?;
    let resource_type = members[0].resource.type_name;
    let addresses: BTreeSet<String> = members.iter().map(|member| member.resource.address.clone()).collect();
    let target = format!("{resource_type}.{name}");
    let map = plural(name);
    check_names(&sources, &addresses, &target, &map)?;
    sources.check_json(&addresses)?;
    let template = alike(&members, &addresses)?;
    let varying = varying(template, &members)?;
    let keys = keys(template, &varying)?;

    let mut changes = Changes::new(&sources);
    rewrite_template(template, name, &map, &varying, &keys, &mut changes)?;
    changes.append("locals.tf", locals(&map, template, &members, &varying, &keys));
    for member in &members {
        let Resource { label, address, .. } = &member.resource;
        if *address != template.resource.address {
            changes.remove(&member.resource, &format!("local.{map}[\"{label}\"]"));
        }
        changes.moved(address, &format!("{target}[\"{label}\"]"), template.resource.file.path);
    }
    for (file, block) in sources.blocks().filter(|(_, block)| !matches!(block.keyword(), "moved" | "removed")) {
        let own = block.resource_address().unwrap_or_else(|| super::title(block));
        for reference in file.references(block)? {
            if let Some(address) = reference.head(2).filter(|address| addresses.contains(address)) {
                let label = &address[resource_type.len() + 1..];
                let now = format!("{target}[\"{label}\"]");
                changes.replace(file, reference.range(2), (&own, &reference.attribute), &now);
            }
        }
    }
    Ok(changes.finish())
}

fn members<'s, 'f>(sources: &'s Sources<'f>, blocks: &[String]) -> Result<Vec<Member<'s, 'f>>, Refusal> {
    if blocks.is_empty() {
        return Err(Refusal("no resources are named".to_owned()));
    }
    let selected = sources.select(blocks)?;
    if let [only] = &selected[..] {
        return Err(Refusal(format!(
            "a `for_each` needs two resources at least, and only `{}` is selected",
            only.address
        )));
    }
    let first = &selected[0];
    if let Some(other) = selected.iter().find(|other| other.type_name != first.type_name) {
        return Err(Refusal(format!("`{}` and `{}` are of different types", first.address, other.address)));
    }
    Ok(selected.into_iter().map(|resource| Member { settings: settings(&resource), resource }).collect())
}

fn check_names(sources: &Sources<'_>, addresses: &BTreeSet<String>, target: &str, map: &str) -> Result<(), Refusal> {
    if !addresses.contains(target) && sources.resources().any(|resource| resource.address == target) {
        return Err(Refusal(format!("`{target}` is another resource already")));
    }
    let locals = sources.blocks().filter(|(_, block)| block.keyword() == "locals");
    for (file, block) in locals {
        if block.attribute(map).is_some() {
            return Err(Refusal(format!("`local.{map}` is declared in `{}` already", file.path)));
        }
    }
    Ok(())
}

/// The member that has all attributes that any of them has: its block becomes the common one.
fn alike<'m, 's, 'f>(
    members: &'m [Member<'s, 'f>],
    addresses: &BTreeSet<String>,
) -> Result<&'m Member<'s, 'f>, Refusal> {
    for member in members {
        let own = &member.resource.address;
        if let Some(word) =
            ["count", "for_each"].into_iter().find(|word| member.resource.block.attribute(word).is_some())
        {
            return Err(Refusal(format!("`{own}` has a `{word}` already")));
        }
        for reference in member.resource.file.references(member.resource.block)? {
            if let Some(address) = reference.head(2).filter(|address| addresses.contains(address)) {
                return Err(Refusal(format!("`{own}` refers to `{address}`: both would be the same resource")));
            }
        }
    }
    let first = &members[0];
    let blocks = nested_blocks(first.resource.block);
    for other in &members[1..] {
        let own = nested_blocks(other.resource.block);
        let only = |these: &[String], those: &[String]| these.iter().find(|path| !those.contains(path)).cloned();
        if let Some(path) = only(&blocks, &own).or_else(|| only(&own, &blocks)) {
            let (left, right) = (&first.resource.address, &other.resource.address);
            return Err(Refusal(format!("only one of `{left}` and `{right}` has the nested block `{path}`")));
        }
    }
    let lacks = |member: &Member<'_, '_>, other: &Member<'_, '_>| {
        let is_there = |setting: &Setting| member.settings.iter().any(|own| own.path == setting.path);
        other.settings.iter().find(|setting| !is_there(setting)).map(|setting| setting.shown(&other.settings))
    };
    let has_all = |member: &&Member<'_, '_>| members.iter().all(|other| lacks(member, other).is_none());
    members.iter().find(has_all).ok_or_else(|| {
        let largest = members.iter().max_by_key(|member| member.settings.len()).unwrap_or(first);
        let other = members.iter().find_map(|other| Some((other, lacks(largest, other)?)));
        let (own, other) =
            (&largest.resource.address, other.map(|(other, path)| (other.resource.address.clone(), path)));
        let (other, path) = other.unwrap_or_default();
        Refusal(format!("no resource of the group has all attributes: `{own}` has no `{path}`, as `{other}` does"))
    })
}

/// Positions of the attributes of the template that the members do not have in common.
fn varying(template: &Member<'_, '_>, members: &[Member<'_, '_>]) -> Result<Vec<usize>, Refusal> {
    let mut varying = Vec::new();
    for (position, setting) in template.settings.iter().enumerate() {
        let same = |member: &Member<'_, '_>| {
            member.settings.iter().any(|own| own.path == setting.path && own.meaning == setting.meaning)
        };
        let Some(other) = members.iter().find(|member| !same(member)) else { continue };
        if setting.is_meta() {
            let path = setting.shown(&template.settings);
            let (left, right) = (&template.resource.address, &other.resource.address);
            return Err(Refusal(format!("`{path}` of `{left}` and of `{right}` differ, and must be the same for all")));
        }
        varying.push(position);
    }
    Ok(varying)
}

/// Names of the entries for attributes that vary: `memory_dedicated`, `disk_1_size`.
fn keys(template: &Member<'_, '_>, varying: &[usize]) -> Result<Vec<String>, Refusal> {
    let mut keys = Vec::new();
    for position in varying {
        let shown = template.settings[*position].shown(&template.settings);
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let parts: Vec<&str> = shown.split(|c| !word(c)).filter(|part| !part.is_empty()).collect();
        let key = parts.join("_");
        if keys.contains(&key) {
            return Err(Refusal(format!("two attributes that differ would be called `{key}`")));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Gives the block of the template its new label, the `for_each`, and the values of the map.
fn rewrite_template(
    template: &Member<'_, '_>,
    name: &str,
    map: &str,
    varying: &[usize],
    keys: &[String],
    changes: &mut Changes<'_, '_>,
) -> Result<(), Refusal> {
    let Resource { file, block, label, address, .. } = &template.resource;
    let range = block.range();
    let head = &file.text[range.start..range.start + file.text[range.clone()].find('{').unwrap_or_default()];
    let label_start = range.start + head.rfind(label).unwrap_or_default();
    let inside = line_end(file.text, range.start + head.len());
    if inside >= range.end {
        return Err(Refusal(format!("`{address}` is written on one line")));
    }
    let first = template.settings.iter().find(|setting| matches!(&setting.path.0[..], [Step::Name(_)]));
    let indentation = first.map_or("  ", |setting| indentation(file.text, setting.range.start));
    changes.replace(file, label_start..label_start + label.len(), (address, "for_each"), name);
    let is_blank = file.text[inside..line_end(file.text, inside)].trim().is_empty();
    let blank = if is_blank { "" } else { "\n" };
    changes.edit(file, inside..inside, &format!("{indentation}for_each = local.{map}\n{blank}"));
    for (position, key) in varying.iter().zip(keys) {
        let setting = &template.settings[*position];
        let path = setting.shown(&template.settings);
        changes.replace(file, setting.range.clone(), (address, &path), &format!("each.value.{key}"));
    }
    Ok(())
}

/// The map of the values that differ. Comments of the blocks that go stand above their entries.
fn locals(
    map: &str,
    template: &Member<'_, '_>,
    members: &[Member<'_, '_>],
    varying: &[usize],
    keys: &[String],
) -> String {
    let common: Vec<&str> = comments(template.resource.lines());
    let mut text = format!("locals {{\n  {map} = {{\n");
    for member in members {
        let Resource { file, label, address, .. } = &member.resource;
        if *address != template.resource.address {
            for comment in comments(member.resource.lines()).into_iter().filter(|comment| !common.contains(comment)) {
                _ = writeln!(text, "    {}", reindent(comment, indentation(comment, 0), "    ", "\n"));
            }
        }
        let label = if RESERVED.contains(label) { format!("\"{label}\"") } else { (*label).to_owned() };
        let value = |position: &usize| {
            let path = &template.settings[*position].path;
            let Some(own) = member.settings.iter().find(|own| own.path == *path) else { return "null".to_owned() };
            let source = &file.text[own.range.clone()];
            // The lines of a text between marks are its content.
            let from = if source.contains("<<") { "" } else { indentation(file.text, own.range.start) };
            let to = if source.contains("<<") { "" } else { "      " };
            reindent(source, from, to, "\n")
        };
        let values: Vec<(String, String)> = keys.iter().cloned().zip(varying.iter().map(value)).collect();
        if values.is_empty() {
            _ = writeln!(text, "    {label} = {{}}");
        } else {
            _ = writeln!(text, "    {label} = {{\n{}    }}", aligned(&values, "      "));
        }
    }
    text.push_str("  }\n}\n");
    text
}

/// Words that mean something else than a key in an object.
const RESERVED: &[&str] = &["false", "for", "if", "in", "null", "true"];

/// The name of the map of things of a name: `pools`, `proxies`, `boxes`.
fn plural(name: &str) -> String {
    let vowel = |c: char| "aeiou".contains(c);
    let mut letters = name.chars().rev();
    match (letters.next(), letters.next()) {
        (Some('y'), Some(before)) if before.is_alphabetic() && !vowel(before) => {
            format!("{}ies", &name[..name.len() - 1])
        }
        (Some('s' | 'x' | 'z'), _) | (Some('h'), Some('c' | 's')) => format!("{name}es"),
        _ => format!("{name}s"),
    }
}
