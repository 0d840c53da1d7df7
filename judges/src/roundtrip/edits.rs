//! Edits of generated code before it is applied, and values for its variables and secrets.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_lite::{Captures, Regex};

use super::rules::{Refused, Replacement, Rules};
use super::workspace::Workspace;
use crate::JudgeError;

/// Removes code that any cluster would refuse, and returns the changes.
pub(super) fn mend(workspace: &mut Workspace, rules: &Rules) -> Result<Vec<String>, JudgeError> {
    let mut changes = Vec::new();
    for refused in &rules.refused {
        let file = workspace.folder.join("terraform").join(&refused.file);
        if !file.exists() {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(JudgeError::file(&file))?;
        if let Some(mended) = mended(&text, refused) {
            fs::write(&file, mended).map_err(JudgeError::file(&file))?;
            changes.push(format!("{} ({})", refused.reason, refused.file));
        }
    }
    workspace.read()?;
    Ok(changes)
}

/// The text with the refused code replaced; `None` if it has none.
fn mended(text: &str, refused: &Refused) -> Option<String> {
    let pattern = &refused.pattern.0;
    if !pattern.is_match(text) {
        return None;
    }
    Some(match &refused.replacement {
        Replacement::Text(replacement) => pattern.replace_all(text, replacement.as_str()).into_owned(),
        Replacement::SshKey => {
            let key = |found: &Captures<'_>| found[0].replace(&found[1], &well_formed_key(&found[1]));
            pattern.replace_all(text, key).into_owned()
        }
    })
}

/// A well-formed Ed25519 key that stands for one that is made up: the last 32 bytes of its text are the point.
fn well_formed_key(text: &str) -> String {
    let padded = format!("{text:>32}");
    let point = &padded.as_bytes()[padded.len() - 32..];
    let parts = [b"ssh-ed25519".as_slice(), point];
    // Each part comes after its length (RFC 4253, 6.6).
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    let bytes: Vec<u8> = parts.into_iter().flat_map(|part| [&length(part), part].concat()).collect();
    format!("ssh-ed25519 {}", STANDARD.encode(bytes))
}

/// Leaves the `import` blocks of objects that the cluster has, and drops the others, which Terraform then creates.
pub(super) fn keep_imports(workspace: &Workspace, cluster: &Workspace) -> Result<(), JudgeError> {
    let file = workspace.folder.join("terraform/imports.tf");
    let text = fs::read_to_string(&file).map_err(JudgeError::file(&file))?;
    let has = |address: &str| {
        let mut addresses = workspace.addresses.iter();
        addresses.any(|(identity, known)| known == address && cluster.objects.contains(identity))
    };
    let kept = without_imports(&text, &has);
    fs::write(&file, kept).map_err(JudgeError::file(&file))
}

fn without_imports(text: &str, has: &dyn Fn(&str) -> bool) -> String {
    let pattern = Regex::new(r"(?ms)\nimport \{\n  to = (\S+)\n.*?^\}\n");
    let pattern = pattern.expect("the pattern is a constant, and a test compiles it");
    let kept = |block: &Captures<'_>| if has(&block[1]) { block[0].to_owned() } else { String::new() };
    pattern.replace_all(text, kept).into_owned()
}

/// Values for the variables and secrets that the code asks for, by environment variable; templates are those of the cluster.
pub(super) fn placeholders(workspace: &Workspace, cluster: &Workspace) -> Result<BTreeMap<String, String>, JudgeError> {
    let templates = cluster.objects.iter().filter(|object| object.contains(":vztmpl/"));
    let templates: Vec<&str> = templates.filter_map(|object| object.splitn(3, '/').nth(2)).collect();
    let file = workspace.folder.join("terraform/variables.tf");
    let text = fs::read_to_string(&file).map_err(JudgeError::file(&file))?;
    let mut values = variables(&text, &templates);
    for file in workspace.tasks()? {
        values.extend(lookups(&fs::read_to_string(&file).map_err(JudgeError::file(&file))?));
    }
    Ok(values)
}

/// A value for each variable of Terraform code.
fn variables(text: &str, templates: &[&str]) -> BTreeMap<String, String> {
    let pattern = Regex::new(r#"(?ms)^variable "(\w+)" \{\n(.*?)^\}"#);
    let pattern = pattern.expect("the pattern is a constant, and a test compiles it");
    let mut templates = templates.to_vec();
    templates.sort_unstable();
    let variables = pattern.captures_iter(text).map(|variable| {
        let name = &variable[1];
        let system = name.strip_prefix("container_template_").filter(|system| !system.is_empty());
        let value = if system.is_some() || (name.ends_with("_template") && name != "_template") {
            let fitting = templates.iter().find(|template| system.is_some_and(|system| template.contains(system)));
            fitting.or(templates.first()).copied().unwrap_or_default().to_owned()
        } else if variable[2].contains("map(string)") {
            "{ PLACEHOLDER = \"placeholder\" }".to_owned()
        } else {
            format!("placeholder-of-{name}")
        };
        (format!("TF_VAR_{name}"), value)
    });
    variables.collect()
}

/// A value for each environment variable that tasks look up.
fn lookups(text: &str) -> BTreeMap<String, String> {
    let regex = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant, and a test compiles it");
    // A long text goes on in the next line.
    let text = regex(r"\\\n\s*").replace_all(text, "");
    let pattern = regex(r"lookup\('ansible.builtin.env', '(\w+)'\)(\.split)?");
    let lookups = pattern.captures_iter(&text).map(|lookup| {
        // A list of pairs, each value in Base64.
        let pairs = lookup.get(2).map(|_| "name=placeholder,value=cGxhY2Vob2xkZXI=".to_owned());
        (lookup[1].to_owned(), pairs.unwrap_or_else(|| format!("placeholder-of-{}", &lookup[1])))
    });
    lookups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_code_is_replaced() {
        let rules = Rules::read().unwrap();
        let check = |file: &str, text: &str, expected: Option<&str>| {
            let refused = rules.refused.iter().find(|refused| refused.file == file).unwrap();
            assert_eq!(mended(text, refused).as_deref(), expected, "{text}");
        };
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAICAgICAgICAgICAgICBzc2gtcnNhIEFBQUFtYWRlLXVw";
        let after = format!("keys = [\"ssh-ed25519 {key} a@b\"]");
        check("virtual_machines.tf", "keys = [\"ssh-rsa AAAAmade-up a@b\"]", Some(&after));
        check("virtual_machines.tf", "name = \"a\"", None);
        let alias = "\n  cidr {\n    name    = \"guest-ipfilter\"\n    comment = \"x\"\n  }\n";
        check("ip_sets.tf", &format!("a {{{alias}}}\n"), Some("a {}\n"));
        check(
            "storages.tf",
            "content = [\"images\", \"import\", \"iso\", \"snippets\"]",
            Some("content = [\"images\", \"import\", \"iso\", \"rootdir\", \"snippets\"]"),
        );
    }

    #[test]
    fn imports_stay_for_what_is_there() {
        let block = |address: &str| format!("\nimport {{\n  to = {address}\n  id = \"x\"\n}}\n");
        let text = format!("# Head\n{}{}", block("a.there"), block("a.gone"));
        assert_eq!(without_imports(&text, &|address| address == "a.there"), format!("# Head\n{}", block("a.there")));
    }

    #[test]
    fn every_variable_gets_a_value() {
        let templates = ["local:vztmpl/debian-12.tar.zst", "local:vztmpl/alpine-3.tar.xz"];
        let check = |name: &str, body: &str, expected: &str| {
            let values = variables(&format!("variable \"{name}\" {{\n  {body}\n}}\n"), &templates);
            assert_eq!(values, [(format!("TF_VAR_{name}"), expected.to_owned())].into());
        };
        check("password", "type = string", "placeholder-of-password");
        check("environment", "type = map(string)", "{ PLACEHOLDER = \"placeholder\" }");
        check("container_template_debian", "type = string", "local:vztmpl/debian-12.tar.zst");
        check("container_template_gentoo", "type = string", "local:vztmpl/alpine-3.tar.xz");
        check("my_template", "type = string", "local:vztmpl/alpine-3.tar.xz");
        let tasks = "lookup('ansible.builtin.env', 'ONE') lookup('ansible.builtin.env', \\\n    'TWO').split(',')";
        let values = lookups(tasks);
        assert_eq!(values["ONE"], "placeholder-of-ONE");
        assert_eq!(values["TWO"], "name=placeholder,value=cGxhY2Vob2xkZXI=");
    }
}
