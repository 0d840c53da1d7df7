//! Number of requests that an import sends: as many as it keeps answers, so none twice.

use std::sync::Arc;

use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_twin::server::{self, Options};
use proxmox_mpc_twin::{Credentials, Recording};

use crate::Outcome;
use crate::program::{PROGRAM, command, run};
use crate::sheet::Sheet;
use crate::twin;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    for guests in [100, 1000, 10_000] {
        let scratch = twin::scratch()?;
        let recording = Recording::open(&twin::cluster(scratch.path(), guests)?)?;
        let out = scratch.path().join("workspace");
        let credentials = scratch.path().join("credentials.json");
        let logins = serde_json::json!({ "tokens": { twin::LOGIN: twin::SECRET }, "passwords": {} });
        std::fs::write(&credentials, logins.to_string())?;
        // In this process, since only here the twin's own count is at hand.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let twin = {
            let _inside = runtime.enter();
            server::serve(Arc::new(recording), Options::new(Credentials::read(&credentials)?))?
        };
        let ran = run(command(PROGRAM)
            .args(["--quiet", "import", &twin.endpoint(), "--fingerprint", twin.fingerprint(), "--out"])
            .arg(&out)
            .env("PROXMOX_VE_API_TOKEN", format!("{}={}", twin::LOGIN, twin::SECRET)))?;
        if !ran.success {
            return Err(format!("the import failed: {}", ran.errors).into());
        }
        let counts = twin.counts();
        runtime.block_on(twin.stop());
        let sent = counts.recorded + counts.derived + counts.unknown;
        let kept = Recording::open(&Workspace::at(&out).recording())?.paths()?.count();
        let twice = sent - u64::try_from(kept)?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
        sheet.budget(
            format!("import, {guests} guests: requests sent twice"),
            format!("{sent} arrived at the twin, {kept} answers are kept"),
            (twice as f64, 0.0),
            |count| format!("{count:.0}"),
        );
    }
    Ok(())
}
