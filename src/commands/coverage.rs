//! `proxmox-mpc coverage`: what became of every key of every object on record, and why.

use std::path::PathBuf;

use proxmox_mpc_engine::coverage::{CoverageRequest, Detail, kinds};

/// Show how much of the cluster is code, and why the rest is not
///
/// Every setting that Proxmox shows of an object is in Terraform, in Ansible, at its default, volatile (a measurement, or
/// what Proxmox changes by itself), or not expressible, for a reason that is given. What this program does not know is not
/// covered, and comes first. The percentage is (Terraform + Ansible + default) / (all − volatile), rounded down. It is about everything on
/// record, whatever `import --only` chose.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc coverage lab                         a line for each kind, and the reasons
  proxmox-mpc coverage lab --kind vm               each virtual machine
  proxmox-mpc coverage lab --object qemu/100       each of its keys
  proxmox-mpc coverage lab --fail-under 95         in a pipeline
  proxmox-mpc coverage --from lab.tar.zst --markdown > COVERAGE.md

Exit codes: 0 done, 3 less than `--fail-under` is covered.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// This recording, in place of the one that the last import made
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Only objects of this kind (vm, container, storage, …), one by one; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<String>,
    /// Only this object (qemu/100, storage/local), key by key; may be given more than once
    #[arg(long, value_name = "OBJECT")]
    object: Vec<String>,
    /// End with exit code 3 where less than this is covered of what is shown
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// Print the document COVERAGE.md, with everything
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    /// The request. `verbose` asks for a closer look.
    pub(super) fn request(self, verbose: bool) -> CoverageRequest {
        let detail = match (self.object.is_empty(), self.kind.is_empty() && !verbose) {
            (false, _) => Detail::Keys,
            (true, false) => Detail::Objects,
            (true, true) => Detail::Kinds,
        };
        CoverageRequest {
            workspace: self.workspace,
            from: self.from,
            kinds: self.kind,
            objects: self.object,
            fail_under: self.fail_under,
            detail,
            markdown: self.markdown,
        }
    }
}

/// The word of a kind.
fn kind(word: &str) -> Result<String, String> {
    let known = kinds().contains(&word);
    known.then(|| word.to_owned()).ok_or_else(|| format!("there is no such kind; there are {}", kinds().join(", ")))
}

/// A number from 0 to 100, with or without a percent sign.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "not a percentage from 0 to 100".to_owned())
}
