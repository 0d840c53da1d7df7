//! Processors, memory and NUMA nodes of a virtual machine.

use crate::bpg;
use crate::coverage::Fate;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowResult};
use crate::hcl::{self, Block, Value};
use crate::kinds::guest::equivalent_command;

const HIDDEN: &str = "the provider has no attribute for this option of the processor (provider rule K1)";

const NO_PROCESSORS: &str =
    "the provider shows no cpu block for a guest whose other processor values are its defaults (provider rule V1)";

/// Options of `cpu` that the provider does not model.
const LOST: &[(&str, &str)] = &[
    ("hidden", HIDDEN),
    ("hv-vendor-id", HIDDEN),
    ("phys-bits", HIDDEN),
    ("guest-phys-bits", HIDDEN),
    ("reported-model", HIDDEN),
];

/// Writes the processors. The block is in the state only if one of a few values is not the default; `numa` and `affinity` alone
/// are not enough (docs/provider.md, V1).
pub(super) fn cpu(draft: &mut Draft<'_>) {
    let mut options = draft.options("cpu");
    let model = options.as_mut().map(|options| options.take("cputype").or_else(|| options.first()).unwrap_or_default());
    let flags = options.as_mut().and_then(|options| options.take("flags")).filter(|flags| !flags.is_empty());
    if let Some(options) = &options {
        draft.keep_options_in_ansible(options, LOST);
    }
    let written = in_state(draft, model.as_deref(), flags.as_deref());
    let mut block = Block::new("cpu");
    whole(draft, &mut block, "cores", "cores", 1, 1..=2304);
    whole(draft, &mut block, "sockets", "sockets", 1, 1..=16);
    processor(draft, &mut block, model.as_deref());
    if let Some(flags) = flags {
        block.set("flags", Value::List(flags.split(';').map(Value::from).collect()));
    }
    whole(draft, &mut block, "vcpus", "hotplugged", 0, 0..=2304);
    limit(draft, &mut block);
    if let Some(units) = draft.integer("cpuunits").filter(|units| *units != 0) {
        block.set("units", units);
    }
    let architecture = draft.text("arch");
    block.set_some("architecture", architecture);
    let affinity = draft.text("affinity");
    if affinity.as_deref().is_some_and(bpg::affinity) {
        block.set_some("affinity", affinity);
    }
    // A page size and NUMA nodes are accepted only beside a written `numa` (the provider's RequiredWith).
    if draft.flag("numa") || needs_numa(draft) {
        let numa = draft.flag("numa");
        block.set("numa", numa);
    } else {
        draft.set_default("numa");
    }
    if written {
        draft.add_block(block);
    } else {
        for key in ["numa", "affinity"] {
            let absent = key == "numa" && !draft.flag("numa");
            if draft.object.keys.contains_key(key) && !absent {
                draft.not_in_provider(key, NO_PROCESSORS);
            }
        }
    }
}

/// True if the provider puts the block into the state.
fn in_state(draft: &mut Draft<'_>, model: Option<&str>, flags: Option<&str>) -> bool {
    let differs = |value: Option<i64>, default: i64| value.is_some_and(|value| value != default);
    differs(draft.integer("cores"), 1)
        || differs(draft.integer("sockets"), 1)
        || differs(draft.integer("vcpus"), 0)
        || differs(draft.integer("cpuunits"), 0)
        || draft.text("cpulimit").is_some_and(|limit| limit.parse() != Ok(0.0))
        || draft.text("arch").is_some_and(|architecture| !architecture.is_empty())
        || flags.is_some()
        || model.is_some_and(|model| model != "qemu64")
}

/// True if the provider accepts another block of this guest only with `numa`.
fn needs_numa(draft: &Draft<'_>) -> bool {
    let keys = &draft.object.keys;
    keys.contains_key("hugepages")
        || keys.contains_key("keephugepages")
        || keys.keys().any(|key| proxmox_mpc_model::kinds::matches("numa[n]", key))
}

/// Writes the model. An absent key means kvm64 to Proxmox and qemu64 to the provider (docs/provider.md, T4).
fn processor(draft: &mut Draft<'_>, block: &mut Block, model: Option<&str>) {
    match model {
        None => draft.remark(
            "its processor model is not set, which means kvm64: the first change of its processors sends qemu64",
            Some(equivalent_command(draft, "cpu", "kvm64")),
        ),
        Some("qemu64") => {}
        Some(model) if bpg::cpu_type(model) => block.set("type", model),
        Some(_) => {
            draft.not_in_provider("cpu", "the provider does not know this processor model (provider rule T31)");
            draft.ignore(&["cpu[0].type"], "the provider does not know the processor model");
        }
    }
}

fn whole(
    draft: &mut Draft<'_>,
    block: &mut Block,
    key: &str,
    attribute: &'static str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) {
    match draft.integer(key) {
        None => {}
        Some(number) if number == default => draft.set_default(key),
        Some(number) if range.contains(&number) => block.set(attribute, number),
        Some(_) => {
            draft.not_in_provider(key, format!("the provider takes {} to {}", range.start(), range.end()));
            draft.ignore(&[&format!("cpu[0].{attribute}")], "the provider refuses the number");
        }
    }
}

fn limit(draft: &mut Draft<'_>, block: &mut Block) {
    let Some(text) = draft.text("cpulimit") else { return };
    match text.parse::<f64>() {
        Ok(0.0) => draft.set_default("cpulimit"),
        Ok(limit) if (0.0..=128.0).contains(&limit) => block.set_some("limit", hcl::number(&text)),
        _ => {
            draft.not_in_provider("cpulimit", "the provider takes 0 to 128");
            draft.ignore(&["cpu[0].limit"], "the provider refuses the number");
        }
    }
}

/// Writes the memory. The block is in the state unless it equals the provider's default. Absent memory and less than 64 MiB cannot
/// be written (docs/provider.md, T26), and the provider fails on the newer form `current=…` (T2).
pub(super) fn memory(draft: &mut Draft<'_>) -> RowResult {
    let text = draft.text("memory");
    if let Some(text) = text.as_deref().filter(|text| text.parse::<i64>().is_err()) {
        let size = PropertyOptions::new("memory", text).take_or_first("current").unwrap_or_default();
        draft.not_in_provider("memory", "the provider's Read fails on this form (provider rule T2)");
        let reason = format!("the provider cannot read `memory: {text}`");
        return Err(Obstacle::new(reason).remedy(equivalent_command(draft, "memory", &size)).into());
    }
    let dedicated: i64 = text.and_then(|text| text.parse().ok()).unwrap_or(0);
    let floating = draft.integer("balloon").unwrap_or(0);
    let shared = shared_memory(draft)?;
    let pages = draft.text("hugepages").unwrap_or_default();
    let keep = draft.flag("keephugepages");
    for (key, default) in [("balloon", floating == 0), ("keephugepages", !keep), ("memory", dedicated == 512)] {
        if default {
            draft.set_default(key);
        }
    }
    // If the key is present, even as 0, the provider reads the block with all defaults.
    let has_keep = draft.object.keys.contains_key("keephugepages");
    if dedicated == 512 && floating == 0 && shared == 0 && pages.is_empty() && !has_keep {
        return Ok(());
    }
    if dedicated < 64 {
        leave_memory(draft, "the provider takes no less than 64 MiB (provider rule T26)");
        draft.ignore(&["memory"], "the provider cannot say this much memory");
        return Ok(());
    }
    if (!pages.is_empty() || keep) && !draft.has_block("cpu") {
        leave_memory(draft, NO_PROCESSORS);
        draft.ignore(
            &["memory"],
            "the provider takes a page size only beside a cpu block, and shows none for this guest",
        );
        return Ok(());
    }
    let mut block = Block::new("memory");
    block.set("dedicated", dedicated);
    block.set_some("floating", (floating != 0).then_some(floating));
    block.set_some("shared", (shared != 0).then_some(shared));
    block.set_some("hugepages", (!pages.is_empty()).then_some(pages));
    block.set_some("keep_hugepages", keep.then_some(true));
    draft.add_block(block);
    Ok(())
}

/// Gives the keys of the memory block to Ansible if the block cannot be written.
fn leave_memory(draft: &mut Draft<'_>, why: &'static str) {
    for key in ["memory", "balloon", "hugepages", "keephugepages", "ivshmem"] {
        if draft.fates.get(key).is_some_and(|fate| *fate != Fate::Default) {
            draft.not_in_provider(key, why);
        }
    }
}

/// Size of the memory shared with other guests, in MiB; 0 for none.
fn shared_memory(draft: &mut Draft<'_>) -> Result<i64, Obstacle> {
    let Some(mut options) = draft.options("ivshmem") else { return Ok(0) };
    let size = options.integer("size");
    draft.explain_remaining(
        &options,
        &[("name", "the provider has no attribute for the name of shared memory (provider rule K1)")],
    );
    size.ok_or_else(|| Obstacle::new("the provider cannot read the size of `ivshmem`"))
}

/// Writes the NUMA nodes. The provider reads those with both processors and host nodes, and it reads a node without a policy as a
/// value that cannot be written (docs/provider.md, T33).
pub(super) fn numa(draft: &mut Draft<'_>) -> RowResult {
    let mut ignored = false;
    for (index, text) in draft.family("numa") {
        let key = format!("numa{index}");
        let mut options = PropertyOptions::new(&key, &text);
        let (cpus, hosts) = (options.take("cpus"), options.take("hostnodes"));
        let (memory, policy) = (options.take("memory"), options.take("policy"));
        let Ok(size) = memory.as_deref().unwrap_or("0").parse::<i64>() else {
            return Err(Obstacle::new(format!("the provider cannot read the memory of `{key}`")).into());
        };
        let (Some(cpus), Some(hosts)) = (cpus, hosts) else {
            draft.not_in_provider(
                &key,
                "the provider shows only nodes that have both processors and host nodes (provider rule V1)",
            );
            continue;
        };
        draft.explain_remaining(&options, &[]);
        let written = draft.has_block("cpu") && bpg::ranges(&cpus) && bpg::ranges(&hosts) && size >= 64;
        ignored |= !written || policy.is_none();
        if written {
            let mut block = Block::new("numa");
            block.set("device", key);
            block.set("cpus", cpus);
            block.set("hostnodes", hosts);
            block.set("memory", size);
            block.set_some("policy", policy);
            draft.add_block(block);
        } else {
            draft.not_in_provider(
                &key,
                "the provider takes a node only beside a cpu block, with ranges and at least 64 MiB",
            );
        }
    }
    if ignored {
        draft.ignore(&["numa"], "a NUMA node has no policy, or is one that the provider refuses");
    }
    Ok(())
}
