//! `proxmox-mpc coverage`: shows which settings of the recorded cluster are code, and why the others are not.

use std::path::PathBuf;

use proxmox_mpc_engine::coverage::{CoverageRequest, Detail, kinds};

/// Show how much of the cluster is code, and why the rest is not
///
/// Every setting that Proxmox shows of an object is in Terraform, in Ansible, at its default, volatile (a measurement, or
/// a value that Proxmox changes by itself) or not expressible, with the reason. Settings that this program does not know
/// are not covered, and are listed first. The percentage is (Terraform + Ansible + default) / (all − volatile), rounded
/// down. It counts everything in the recording, whatever `import --only` chose.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc coverage lab                         show a line for each kind, and the reasons
  proxmox-mpc coverage lab --kind vm               show each virtual machine
  proxmox-mpc coverage lab --object qemu/100       show each key of this one
  proxmox-mpc coverage lab --fail-under 95         check the percentage in a pipeline
  proxmox-mpc coverage --from lab.tar.zst --markdown > COVERAGE.md

Exit codes: 0 success, 3 the percentage is lower than `--fail-under`.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Use this recording instead of the one that the last import made
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Show each object of this kind (vm, container, storage, …); may be given more than once
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<String>,
    /// Show each key of this object (qemu/100, storage/local); may be given more than once
    #[arg(long, value_name = "OBJECT")]
    object: Vec<String>,
    /// End with exit code 3 if less than this part of the settings shown is covered
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// Print all of it as Markdown, as in COVERAGE.md
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    /// The request. `verbose` asks for a line for each object.
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

/// Parses the name of a kind.
fn kind(word: &str) -> Result<String, String> {
    let known = kinds().contains(&word);
    known.then(|| word.to_owned()).ok_or_else(|| format!("no such kind; the kinds are {}", kinds().join(", ")))
}

/// Parses a number from 0 to 100, with or without a percent sign.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "not a percentage from 0 to 100".to_owned())
}
