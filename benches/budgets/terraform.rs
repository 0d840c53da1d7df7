//! The alternative without us: Terraform writes the code itself (`plan -generate-config-out`). If Terraform can
//! install the provider, it takes turns with an import and its proof, for the same guests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxmox_mpc_engine::operation::{Cancel, Face};
use proxmox_mpc_engine::toolchain::terraform::{self as toolchain, Tool};

use crate::Outcome;
use crate::program::{self, PROGRAM, Ran, command, run};
use crate::sheet::{Sheet, ratio, seconds, times};
use crate::twin::{self, Twin};

const GUESTS: u32 = 300;

/// Budget of `verify` beyond the programs that it starts, in their time.
const BUDGET: f64 = 0.05;

/// Number of guests whose code changes between two proofs.
const CHANGED: u32 = 5;

/// Budget of the proof of an unchanged workspace, in seconds.
const UNCHANGED: f64 = 0.2;

/// Budget of the proof of changed guests, in proofs of a workspace of as many.
const OF_A_PLAN: f64 = 1.5;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let runtime = tokio::runtime::Runtime::new()?;
    let context = Face::unattended(runtime.handle().clone()).operation(Cancel::default());
    let tool = match toolchain::find(None, &context) {
        Ok(tool) => tool,
        Err(error) => {
            sheet.remark(format!("not compared with Terraform: {error}"));
            return Ok(());
        }
    };
    let scratch = twin::scratch()?;
    let recording = twin::cluster(scratch.path(), GUESTS)?;
    let twin = Twin::start(scratch.path(), &recording, Duration::ZERO)?;
    let out = scratch.path().join("workspace");
    let import = program::import(&twin, &out)?;
    let theirs = scratch.path().join("theirs");
    let Some(generated) = generate(&tool, &twin, &out, &theirs)? else {
        sheet.remark(format!("not compared with {tool}: it cannot install the provider here"));
        return Ok(());
    };
    let (verify, programs) = verify(&tool, scratch.path(), &out)?;
    let ours = import.time + verify.time;
    let compared = format!("{tool}, init and plan -generate-config-out: {}", seconds(generated.time.as_secs_f64()));
    sheet.figure(format!("import, {GUESTS} guests"), compared.as_str(), seconds(import.time.as_secs_f64()));
    sheet.figure(format!("import and verify, {GUESTS} guests"), compared, seconds(ours.as_secs_f64()));
    let proof = if verify.success { "0, and nothing to change" } else { "not clean" };
    sheet.figure("  errors", errors(&generated), proof);
    let lines = format!("{} lines", lines(&[theirs.join("generated.tf")])?);
    sheet.figure("  code", lines, format!("{} lines", self::lines(&code(&out)?)?));
    let (total, programs) = (verify.time.as_secs_f64(), programs.as_secs_f64());
    sheet.budget(
        format!("verify, {GUESTS} guests, beyond Terraform: {}", seconds(total - programs)),
        format!("Terraform's own time: {}", seconds(programs)),
        ((total - programs) / programs, BUDGET),
        |share| format!("{:.1} %", share * 100.0),
    );
    again(sheet, scratch.path(), &out)
}

/// Proves the workspace again: unchanged, and with other text in the blocks of some guests, beside a workspace of as many.
fn again(sheet: &mut Sheet, scratch: &Path, out: &Path) -> Outcome {
    let prove = |out: &Path| -> Outcome<Duration> {
        let ran = run(command(PROGRAM).args(["--quiet", "verify"]).arg(out))?;
        if ran.success { Ok(ran.time) } else { Err(format!("the proof failed: {}", ran.errors).into()) }
    };
    let few = scratch.join("few");
    let cluster = twin::cluster(scratch, CHANGED)?;
    run(command(PROGRAM).args(["--quiet", "import", "--from"]).arg(&cluster).arg("--out").arg(&few))?;
    let plan = run(command(PROGRAM).args(["--quiet", "verify", "--all"]).arg(&few))?.time;
    // The first proof by this Terraform, and a second one once the recording is old enough for its stamp.
    prove(out)?;
    prove(out)?;
    let unchanged = prove(out)?;
    let file = out.join("terraform/virtual_machines.tf");
    let text = fs::read_to_string(&file)?;
    let edited = text.replacen("\n  node_name", "\n  # Edited.\n  node_name", CHANGED as usize);
    fs::write(&file, edited)?;
    let changed = prove(out)?;
    sheet.budget(format!("verify, {GUESTS} guests, unchanged"), "", (unchanged.as_secs_f64(), UNCHANGED), seconds);
    sheet.budget(
        format!("verify, {CHANGED} of {GUESTS} guests changed: {}", seconds(changed.as_secs_f64())),
        format!("verify --all, {CHANGED} guests: {}", seconds(plan.as_secs_f64())),
        (ratio(changed, plan), OF_A_PLAN),
        times,
    );
    Ok(())
}

/// Lets Terraform write the code for our import blocks; `None` if it has no provider.
fn generate(tool: &Tool, twin: &Twin, out: &Path, folder: &Path) -> Outcome<Option<Ran>> {
    fs::create_dir(folder)?;
    for file in ["versions.tf", "imports.tf"] {
        fs::copy(out.join("terraform").join(file), folder.join(file))?;
    }
    fs::write(folder.join("provider.tf"), "provider \"proxmox\" {\n  insecure = true\n}\n")?;
    let terraform = |arguments: &[&str]| {
        run(command(&tool.program)
            .args(arguments)
            .current_dir(folder)
            .env("CHECKPOINT_DISABLE", "1")
            .env("PROXMOX_VE_ENDPOINT", &twin.endpoint)
            .env("PROXMOX_VE_API_TOKEN", &twin.token))
    };
    let init = terraform(&["init", "-input=false", "-no-color"])?;
    if !init.success {
        return Ok(None);
    }
    let mut plan = terraform(&["plan", "-input=false", "-json", "-generate-config-out=generated.tf"])?;
    plan.time += init.time;
    Ok(Some(plan))
}

/// Number of errors that Terraform found in the code that it wrote itself.
fn errors(ran: &Ran) -> String {
    let is_error = |line: &&str| line.contains(r#""@level":"error""#);
    let objects = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let errors: Vec<&str> = ran.output.lines().filter(is_error).collect();
    let first = errors.first().and_then(|line| objects(line));
    let first = first.and_then(|line| line.pointer("/diagnostic/summary")?.as_str().map(str::to_owned));
    match first {
        Some(first) => format!("{}, the first: {first}", errors.len()),
        None => errors.len().to_string(),
    }
}

/// Proves the workspace, and returns the time of the programs that the proof started.
fn verify(tool: &Tool, scratch: &Path, out: &Path) -> Outcome<(Ran, Duration)> {
    let (shim, times) = (scratch.join("terraform"), scratch.join("times"));
    let script = format!(
        "#!/usr/bin/env bash\nstart=${{EPOCHREALTIME/./}}\n'{}' \"$@\"\ncode=$?\n\
         echo $((${{EPOCHREALTIME/./}} - start)) >>'{}'\nexit $code\n",
        tool.program.display(),
        times.display(),
    );
    fs::write(&shim, script)?;
    fs::set_permissions(&shim, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let ran = run(command(PROGRAM).args(["--quiet", "verify"]).arg(out).arg("--terraform-bin").arg(&shim))?;
    let mut programs = Duration::ZERO;
    for line in fs::read_to_string(&times)?.lines() {
        programs += Duration::from_micros(line.parse()?);
    }
    Ok((ran, programs))
}

/// The files of code in a workspace.
fn code(out: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(out.join("terraform"))? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "tf"));
    Ok(files)
}

fn lines(files: &[PathBuf]) -> Outcome<usize> {
    let mut lines = 0;
    for file in files.iter().filter(|file| file.exists()) {
        lines += fs::read_to_string(file)?.lines().count();
    }
    Ok(lines)
}
