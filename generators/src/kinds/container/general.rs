//! General settings of a container: location, operating system, console, processors, memory, features and raw lines.

use std::collections::BTreeMap;

use proxmox_mpc_model::{ApiPath, Unreadable, boolean};
use serde_json::Value as Json;

use crate::bpg;
use crate::draft::{Draft, Obstacle, RowResult, Variable, VariableDefault};
use crate::hcl::{self, Block, Value};
use crate::kinds::guest::{SAME, command, in_force, managed, vmid};
use crate::notes::TIMEOUTS;

/// Writes node and VMID, and ignores the VMID and the timeouts, which an import does not read (docs/provider.md, C1 and C2).
pub(super) fn location(draft: &mut Draft<'_>) {
    let node = draft.object.entry.node.clone().unwrap_or_default();
    draft.set("node_name", node);
    draft.set("vm_id", vmid(draft).number());
    draft.ignore_without_comment(&["vm_id"]);
    draft.ignore_without_comment(TIMEOUTS);
    if managed(draft) {
        draft.remark(
            "the HA manager may move it, and a plan made with its old node would create a second one (provider rule C21)",
            Some("import again after it has moved".to_owned()),
        );
    }
}

/// Writes the operating system, with a variable for the template, which Proxmox does not record. Only this attribute is ignored,
/// because any other difference of the block replaces the container (docs/provider.md, C4).
pub(super) fn operating_system(draft: &mut Draft<'_>) {
    match draft.text("ostype") {
        Some(system) if system != "unmanaged" && bpg::CONTAINER_SYSTEMS.contains(&system.as_str()) => {
            let name = format!("container_template_{}", crate::names::slug(&system));
            let whose = format!("{system} containers");
            template(draft, &system, name, &whose);
            draft.ignore_without_comment(&["operating_system[0].template_file_id"]);
        }
        unknown => unmanaged(draft, unknown.as_deref()),
    }
}

/// Writes the operating system if Proxmox or the provider does not know it. The state has no block, but a creation requires one, so
/// the whole block is ignored. The container has a template variable of its own, because nothing shows which containers share one
/// (docs/provider.md, C5).
fn unmanaged(draft: &mut Draft<'_>, system: Option<&str>) {
    let (name, whose) = (format!("{}_template", draft.label()), draft.title());
    match system {
        Some("unmanaged") | None => {}
        Some(_) => draft.not_in_provider("ostype", "the provider does not know this kind of system"),
    }
    template(draft, "unmanaged", name, &whose);
    draft.ignore_without_comment(&["operating_system"]);
}

/// Writes the block, with a variable for the template.
fn template(draft: &mut Draft<'_>, system: &str, name: String, whose: &str) {
    let description = format!("Template to make {whose} anew (storage:vztmpl/file); needed for nothing else");
    let variable = Variable { description, default: VariableDefault::Text(String::new()), sensitive: false };
    let template = draft.variable(name, variable);
    let mut block = Block::new("operating_system");
    block.set("template_file_id", template);
    block.set("type", system);
    draft.add_block(block);
}

/// Writes the console. Without the key `console` the block is in the state nevertheless (docs/provider.md, C3).
pub(super) fn console(draft: &mut Draft<'_>) {
    let absent = !draft.object.keys.contains_key("console");
    let enabled = draft.flag("console");
    let mode = draft.text("cmode").unwrap_or_else(|| "tty".to_owned());
    let count = draft.integer("tty").unwrap_or(2);
    for (key, default) in [("console", enabled), ("cmode", mode == "tty"), ("tty", count == 2)] {
        if default {
            draft.set_default(key);
        }
    }
    if !absent && enabled && mode == "tty" && count == 2 {
        return;
    }
    let mut block = Block::new("console");
    block.set_some("enabled", (!enabled).then_some(false));
    block.set_some("type", (mode != "tty").then_some(mode));
    block.set_some("tty_count", (count != 2).then_some(count));
    draft.add_block(block);
}

/// Checks that a container with a limit has cores. Otherwise Proxmox sends the number of processors as text, and the provider reads
/// numbers only (docs/provider.md, C23).
pub(super) fn processors(draft: &mut Draft<'_>) -> RowResult {
    let is_set =
        |key: &str| Ok::<_, Unreadable>(in_force(draft, key)?.is_some_and(|text| !matches!(text.as_str(), "" | "0")));
    if is_set("cores")? || !is_set("cpulimit")? {
        return Ok(());
    }
    let remedy = all_cores(draft)?;
    let reason = "it has a `cpulimit` and no `cores`: Proxmox sends its processors as text, which the provider cannot read \
                  (provider rule C23)";
    Err(Obstacle::new(reason).remedy(remedy).into())
}

/// Command that sets the number of cores that a container without a limit can use now.
fn all_cores(draft: &Draft<'_>) -> Result<String, Unreadable> {
    let node = draft.object.entry.node.as_deref().unwrap_or_default();
    let mut known = None;
    if let Some(answer) = draft.cluster.get(&ApiPath::parse("nodes"))? {
        let row = answer.list().find(|row| row.get("node").and_then(Json::as_str) == Some(node));
        known = row.and_then(|row| row.get("maxcpu")?.as_u64());
    }
    let cores = known.map_or_else(|| "$(nproc)".to_owned(), |cores| cores.to_string());
    let arguments =
        format!("--cores {cores}  # all that {node} has: changes nothing for the container; then import again");
    Ok(command(draft, &arguments))
}

/// Checks that numbers are numbers. Proxmox sends what it cannot parse as text, which the provider cannot read (docs/provider.md,
/// C25).
pub(super) fn numbers(draft: &mut Draft<'_>) -> RowResult {
    for key in ["cores", "cpuunits", "memory", "swap", "tty"] {
        let Some(Json::String(text)) = draft.object.keys.get(key) else { continue };
        let reason = format!("the provider cannot read `{key}: {text}`, and neither can Proxmox (provider rule C25)");
        let remedy = format!("set a number: {}", command(draft, &format!("--{key} NUMBER")));
        return Err(Obstacle::new(reason).remedy(remedy).into());
    }
    Ok(())
}

/// Writes the processors. The provider reads unlimited cores as one, and would set that with the first change of this block
/// (docs/provider.md, C8).
pub(super) fn cpu(draft: &mut Draft<'_>) -> RowResult {
    let architecture = draft.text("arch").unwrap_or_else(|| "amd64".to_owned());
    let (cores, units) = (draft.integer("cores"), draft.integer("cpuunits").unwrap_or(0));
    let limit = draft.text("cpulimit").filter(|limit| limit.parse() != Ok(0.0));
    for (key, default) in
        [("arch", architecture == "amd64"), ("cores", cores == Some(1)), ("cpulimit", limit.is_none())]
    {
        if default {
            draft.set_default(key);
        }
    }
    if architecture == "amd64" && cores.unwrap_or(1) == 1 && limit.is_none() && units == 0 {
        if cores.is_none() {
            unlimited(draft)?;
        }
        return Ok(());
    }
    let mut block = Block::new("cpu");
    let known = bpg::CONTAINER_ARCHITECTURES.contains(&architecture.as_str());
    let mut taken = |key: &str, attribute: &str, taken: bool| {
        if !taken {
            draft.not_in_provider(key, "the provider refuses the value; left out, it stays");
            draft.ignore(&[&format!("cpu[0].{attribute}")], "the provider refuses a value that Proxmox takes");
        }
        taken
    };
    if taken("arch", "architecture", known) {
        block.set_some("architecture", (architecture != "amd64").then_some(architecture));
    }
    if taken("cores", "cores", cores.is_none_or(|cores| (1..=128).contains(&cores))) {
        block.set_some("cores", cores.filter(|cores| *cores != 1));
    }
    block.set_some("limit", limit.as_deref().and_then(hcl::number));
    if taken("cpuunits", "units", units <= 500_000) {
        block.set_some("units", (units != 0).then_some(units));
    }
    if cores.is_none() {
        unlimited(draft)?;
        draft.add_commented_block(
            "The cores are not limited: a change here would set them to 1 unless it sets them too.",
            block,
        );
    } else {
        draft.add_block(block);
    }
    Ok(())
}

fn unlimited(draft: &mut Draft<'_>) -> RowResult {
    let remedy = all_cores(draft)?;
    draft.remark(
        "its cores are not limited: the first change of its cpu block would set one core (provider rule C8)",
        Some(remedy),
    );
    Ok(())
}

/// Writes the memory. Unset memory or swap is 512 MiB to Proxmox, and 0 to the provider (docs/provider.md, C7).
pub(super) fn memory(draft: &mut Draft<'_>) {
    let (memory, swap) = (draft.integer("memory"), draft.integer("swap"));
    let absent: Vec<&str> =
        [("memory", memory), ("swap", swap)].iter().filter(|(_, set)| set.is_none()).map(|(key, _)| *key).collect();
    let (memory, swap) = (memory.unwrap_or(512), swap.unwrap_or(512));
    if !absent.is_empty() && memory >= 16 {
        let mut block = Block::new("memory");
        block.set("dedicated", memory);
        block.set_some("swap", (swap != 0).then_some(swap));
        draft.add_block(block);
        let names = absent.join(" and ");
        draft.ignore(
            &["memory"],
            format!("no {names} means 512 MiB to Proxmox, and the provider reads 0 (provider rule C7)"),
        );
        let options: Vec<String> = absent.iter().map(|key| format!("--{key} 512")).collect();
        let remedy = command(draft, &format!("{}{SAME}", options.join(" ")));
        draft.remark(
            format!("no {names} is set, which means 512 MiB; the provider reads 0, and Terraform changes nothing of it (provider rule C7)"),
            Some(remedy),
        );
        return;
    }
    for (key, default) in [("memory", memory == 512), ("swap", swap == 0)] {
        if default {
            draft.set_default(key);
        }
    }
    if memory == 512 && swap == 0 {
        return;
    }
    if memory < 16 {
        draft.ignore(&["memory"], "the provider takes no less than 16 MiB");
        for key in ["memory", "swap"] {
            draft.not_in_provider(key, "the provider cannot say less than 16 MiB (provider rule C7)");
        }
        return;
    }
    let mut block = Block::new("memory");
    block.set("dedicated", memory);
    block.set_some("swap", (swap != 0).then_some(swap));
    draft.add_block(block);
}

pub(super) fn features(draft: &mut Draft<'_>) {
    const UNKNOWN: &str = "the provider has no attribute for it (provider rule K2)";
    let Some(mut options) = draft.options("features") else { return };
    let mut block = Block::new("features");
    for feature in ["nesting", "keyctl", "fuse", "mknod"] {
        block.set_some(feature, options.flag(feature).filter(|on| *on));
    }
    let mounts: Vec<String> = options
        .take("mount")
        .map(|mounts| mounts.split(';').filter(|mount| !mount.is_empty()).map(str::to_owned).collect())
        .unwrap_or_default();
    let refused = mounts.iter().any(|mount| mount != "nfs" && mount != "cifs");
    if refused {
        draft.not_in_provider("features.mount", "the provider takes nfs and cifs only");
        draft.ignore(&["features[0].mount"], "the provider refuses a file system");
    } else if !mounts.is_empty() {
        block.set("mount", Value::List(mounts.into_iter().map(Value::from).collect()));
    }
    let on = options.get("force_rw_sys").and_then(boolean::parse) == Some(true);
    if !block.is_empty() || refused {
        draft.keep_options_in_ansible(&options, &[("force_rw_sys", UNKNOWN)]);
        draft.add_block(block);
    } else if on {
        // Without a block Terraform writes no value that Ansible could add the option to.
        draft.not_in_provider("features", UNKNOWN);
    } else {
        draft.set_default("features");
    }
}

/// Writes the environment variables: pairs, separated by a zero byte.
pub(super) fn environment(draft: &mut Draft<'_>) {
    let Some(text) = draft.text("env") else { return };
    let pairs: BTreeMap<&str, &str> = text.split('\0').filter_map(|pair| pair.split_once('=')).collect();
    let named = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if pairs.is_empty() {
        draft.set_default("env");
    } else if pairs.iter().all(|(name, value)| named(name) && bpg::plain_text(value)) {
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        draft.set("environment_variables", Value::Map(pairs));
    } else {
        draft.not_in_provider("env", "the provider refuses a name or a value");
        draft.ignore(&["environment_variables"], "the provider refuses a name or a value");
    }
}

/// Writes raw lines of the configuration: `lxc.idmap` has an attribute, the others become comments.
pub(super) fn raw(draft: &mut Draft<'_>) -> RowResult {
    let lines = draft.take("lxc").and_then(Json::as_array).cloned().unwrap_or_default();
    let mut other = Vec::new();
    for line in &lines {
        let pair = line.as_array().map(|pair| pair.iter().filter_map(Json::as_str).collect::<Vec<_>>());
        let Some([key, value]) = pair.as_deref() else {
            return Err(Obstacle::new("the provider cannot read a raw line of its configuration").into());
        };
        if *key == "lxc.idmap" {
            let block = mapping(value)
                .ok_or_else(|| Obstacle::new(format!("the provider cannot read `lxc.idmap: {value}`")))?;
            draft.add_block(block);
        } else {
            other.push(((*key).to_owned(), (*value).to_owned()));
        }
    }
    for (key, _) in &other {
        const WHY: &str = "a raw line: no API writes it, only the container's file on its node can hold it; it stands as a comment in \
                           the code (provider rule C12)";
        draft.not_expressible(key, WHY);
    }
    if !other.is_empty() {
        let file = format!("/etc/pve/lxc/{}.conf", draft.object.entry.identity.id());
        let lines = other.iter().map(|(key, value)| format!("- {key}: {value}"));
        draft.comment_first(std::iter::once(format!("Lines that only {file} can hold:")).chain(lines));
    }
    if other.len() == lines.len() && !lines.is_empty() {
        draft.not_expressible("lxc", "raw lines, listed one by one");
    }
    Ok(())
}

/// Parses an id mapping, `u 0 100000 65536`: type, first id inside, first id outside, number of ids.
fn mapping(value: &str) -> Option<Block> {
    let [kind, inside, outside, size] = value.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let mut block = Block::new("idmap");
    block.set(
        "type",
        match kind {
            "u" => "uid",
            "g" => "gid",
            _ => return None,
        },
    );
    block.set("container_id", inside.parse::<i64>().ok()?);
    block.set("host_id", outside.parse::<i64>().ok()?);
    block.set("size", size.parse::<i64>().ok().filter(|size| *size >= 1)?);
    Some(block)
}
