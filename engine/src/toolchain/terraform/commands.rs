//! Commands of Terraform, with the reason for each flag.

use std::path::Path;

use crate::toolchain::invocation::Invocation;
use crate::toolchain::terraform::{Product, Tool, Version};

/// Part of our own environment that Terraform gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// No variables for Terraform or the provider, but for those that say where providers come from.
    Clean,
    /// The same, and the user's values of variables: `TF_VAR_…`.
    Rehearsal,
    /// The user's credentials and variables, without those that change the meaning of a command.
    Users,
}

/// Installs the providers of the code in `folder`.
///
/// `data` is the folder where Terraform keeps them instead of `.terraform`.
pub fn init(tool: &Tool, folder: &Path, data: &Path, environment: Environment) -> Invocation {
    let invocation = command(tool, folder, environment)
        .env("TF_DATA_DIR", data.to_string_lossy())
        .arg("init")
        .arg("-input=false") // A prompt would hang: stdin is null.
        .arg("-no-color"); // What is not JSON is shown as text.
    if speaks_json_on_init(tool) { invocation.arg("-json") } else { invocation }
}

/// Plans the code in `folder` into the file `out`, and writes nothing else.
///
/// `data` is the folder that [`init`] used; `None` for the user's own.
pub fn plan(tool: &Tool, folder: &Path, data: Option<&Path>, out: &Path, environment: Environment) -> Invocation {
    let mut invocation = command(tool, folder, environment);
    if let Some(data) = data {
        invocation = invocation.env("TF_DATA_DIR", data.to_string_lossy());
    }
    let mut file = std::ffi::OsString::from("-out=");
    file.push(out);
    invocation
        .arg("plan")
        .arg("-json")
        .arg("-input=false") // A prompt would hang: stdin is null.
        .arg("-no-color")
        .arg("-lock=false") // A reader must not keep anybody from writing.
        .arg("-detailed-exitcode") // Tells an error (1) from a plan that does something (2, imports too).
        .arg(file) // The stream of messages names what changes; only the file has the attributes.
}

/// Prints a plan file, or the state of `folder` if there is none, as one line of JSON.
pub fn show(
    tool: &Tool,
    folder: &Path,
    data: Option<&Path>,
    plan: Option<&Path>,
    environment: Environment,
) -> Invocation {
    let mut invocation = command(tool, folder, environment);
    if let Some(data) = data {
        invocation = invocation.env("TF_DATA_DIR", data.to_string_lossy());
    }
    let invocation = invocation.arg("show").arg("-json").arg("-no-color");
    match plan {
        Some(plan) => invocation.arg(plan),
        None => invocation,
    }
}

/// Applies a plan file, in `folder` and its state.
pub fn apply(tool: &Tool, folder: &Path, data: &Path, plan: &Path, environment: Environment) -> Invocation {
    command(tool, folder, environment)
        .env("TF_DATA_DIR", data.to_string_lossy())
        .arg("apply")
        .arg("-json")
        .arg("-input=false") // A prompt would hang: stdin is null.
        .arg("-no-color")
        .arg(plan)
}

/// Prints the state of `folder` as it is stored, wherever its backend keeps it. Nothing is written or locked.
pub fn pull(tool: &Tool, folder: &Path) -> Invocation {
    command(tool, folder, Environment::Users).arg("state").arg("pull")
}

/// Prefixes of variables of the user that would change a rehearsal, or connect it to the cluster.
const REHEARSAL_WITHHOLDS: [&str; 11] = [
    "PROXMOX_VE_",
    "PM_VE_",
    "TF_CLI_ARGS",
    "TF_DATA_DIR",
    "TF_ENCRYPTION",
    "TF_INPUT",
    "TF_LOG",
    "TF_REATTACH_PROVIDERS",
    "TF_STATE",
    "TF_STATIC",
    "TF_WORKSPACE",
];

fn command(tool: &Tool, folder: &Path, environment: Environment) -> Invocation {
    let invocation = Invocation::new(&tool.program)
        .folder(folder)
        .env("CHECKPOINT_DISABLE", "1") // No call home.
        .env("TF_IN_AUTOMATION", "1"); // No advice on what to type next.
    match environment {
        Environment::Clean => invocation
            .withhold("TF_")
            .withhold("PROXMOX_VE_")
            .withhold("PM_VE_") // The provider's older prefix.
            .keep("TF_CLI_CONFIG_FILE") // Where providers come from: mirrors, credentials of registries.
            .keep("TF_PLUGIN_CACHE_DIR"),
        Environment::Rehearsal => {
            REHEARSAL_WITHHOLDS.iter().fold(invocation, |invocation, name| invocation.withhold(name))
        }
        Environment::Users => invocation
            .withhold("TF_CLI_ARGS") // `-refresh=false` there would make any plan look clean.
            .withhold("TF_LOG") // A debug log on the error stream, with tokens in it.
            .withhold("TF_REATTACH_PROVIDERS"), // Another provider than the one that the code pins.
    }
}

/// Reports whether `init` knows `-json`: from Terraform 1.9 and OpenTofu 1.7 on. In older versions it is an error.
fn speaks_json_on_init(tool: &Tool) -> bool {
    match tool.product {
        Product::Terraform => tool.version >= Version(1, 9, 0),
        Product::OpenTofu => tool.version >= Version(1, 7, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(product: Product, version: Version) -> Tool {
        Tool { program: "terraform".into(), product, version }
    }

    #[test]
    fn commands_are_what_they_are() {
        let terraform = tool(Product::Terraform, Version(1, 11, 4));
        let (folder, data, out) = (Path::new("/s/code"), Path::new("/s/data"), Path::new("/s/plan"));
        let check = |invocation: &Invocation, expected: &str| assert_eq!(invocation.to_string(), expected);
        check(
            &init(&terraform, folder, data, Environment::Clean),
            "cd /s/code && CHECKPOINT_DISABLE=1 TF_DATA_DIR=/s/data TF_IN_AUTOMATION=1 terraform init -input=false \
             -no-color -json",
        );
        check(
            &init(&tool(Product::OpenTofu, Version(1, 6, 2)), folder, data, Environment::Clean),
            "cd /s/code && CHECKPOINT_DISABLE=1 TF_DATA_DIR=/s/data TF_IN_AUTOMATION=1 terraform init -input=false \
             -no-color",
        );
        check(
            &plan(&terraform, folder, Some(data), out, Environment::Clean),
            "cd /s/code && CHECKPOINT_DISABLE=1 TF_DATA_DIR=/s/data TF_IN_AUTOMATION=1 terraform plan -json \
             -input=false -no-color -lock=false -detailed-exitcode -out=/s/plan",
        );
        check(
            &show(&terraform, folder, None, Some(out), Environment::Users),
            "cd /s/code && CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 terraform show -json -no-color /s/plan",
        );
        check(
            &apply(&terraform, folder, data, out, Environment::Rehearsal),
            "cd /s/code && CHECKPOINT_DISABLE=1 TF_DATA_DIR=/s/data TF_IN_AUTOMATION=1 terraform apply -json \
             -input=false -no-color /s/plan",
        );
        check(&pull(&terraform, folder), "cd /s/code && CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 terraform state pull");
    }
}
