//! Time that `status` takes on a workspace of 1,000 guests: as it was generated, and with an edited file.

use std::fs;
use std::path::Path;

use proxmox_mpc_engine::history::{DEFAULT_BRANCH, Repository};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_generators::{Options, Previous, generate};
use proxmox_mpc_model::observation::{Changes, Observation};
use proxmox_mpc_twin::Recording;

use crate::Outcome;
use crate::program::{PROGRAM, command, run};
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

const ROUNDS: usize = 11;

/// Seconds.
const BUDGET: f64 = 0.200;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let recording = Recording::open(&twin::cluster(scratch.path(), 1000)?)?;
    let lab = scratch.path().join("lab");
    synced(&recording, &lab)?;
    let mut figure = |what: &str| -> Outcome {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let ran = run(command(PROGRAM).arg("status").arg(&lab))?;
            if !ran.success {
                return Err(format!("`status` failed: {}", ran.errors).into());
            }
            times.push(ran.time.as_secs_f64());
        }
        sheet.budget(what, format!("median of {ROUNDS}"), (median(times), BUDGET), seconds);
        Ok(())
    };
    figure("status, 1,000 guests")?;
    let file = lab.join("terraform/virtual_machines.tf");
    let text = fs::read_to_string(&file)?;
    fs::write(file, text.replacen("cores = ", "cores = 1", 1))?;
    figure("status, 1,000 guests, one edited")
}

/// Makes a workspace with one sync, merged into its branch.
fn synced(recording: &Recording, lab: &Path) -> Outcome {
    fs::create_dir_all(lab)?;
    let git = |arguments: &[&str]| -> Outcome<String> {
        let ran = run(command("git").arg("-C").arg(lab).args(arguments))?;
        if ran.success { Ok(ran.output.trim().to_owned()) } else { Err(ran.errors.into()) }
    };
    git(&["init", "--quiet", "--initial-branch", "main"])?;
    git(&["config", "user.name", "Ada"])?;
    git(&["config", "user.email", "ada@example.org"])?;
    fs::write(lab.join(Workspace::SETTINGS), "")?;
    let generated = generate(recording, &Options::default(), &Previous::default())?;
    let observation = Observation::read(recording)?;
    let mut files = generated.files;
    files.insert(Workspace::MANIFEST.to_owned(), generated.manifest.render());
    files.extend(observation.files());
    let repository = Repository::discover(&Workspace::at(lab))?.ok_or("the repository is not there")?;
    let subject = Changes::first(&observation).subject();
    let commit = repository.write_generated(DEFAULT_BRANCH, &files, &subject, 1_795_161_600, None)?;
    repository.advance(DEFAULT_BRANCH, None, commit.id)?;
    let tip = commit.id.to_string();
    git(&["checkout", "--quiet", &tip, "--", "."])?;
    git(&["rm", "--quiet", "-r", "-f", "observed"])?;
    git(&["add", "--all"])?;
    let tree = git(&["write-tree"])?;
    let merge = git(&["commit-tree", &tree, "-p", &tip, "-m", "merge"])?;
    git(&["update-ref", "refs/heads/main", &merge])?;
    Ok(())
}
