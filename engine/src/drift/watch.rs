//! Watch: the cluster is looked at again and again. Each drift is told once, and once more when it has cleared.

use std::collections::BTreeMap;
use std::time::Duration;

use proxmox_mpc_model::Identity;

use super::comparison::DriftSource;
use super::look::look;
use super::report::{Drift, DriftReport};
use crate::operation::fault::sentence;
use crate::operation::report::Service;
use crate::operation::{Context, Message};

/// What a watch needs to go on.
struct Watching {
    source: DriftSource,
    context: Context,
    interval: Duration,
    known: BTreeMap<Identity, Drift>,
}

/// The watch, which goes on from this drift until it is cancelled.
pub(super) fn service(source: DriftSource, interval: Duration, drift: &[Drift], context: Context) -> Service {
    let known = drift.iter().map(|drift| (drift.identity.clone(), drift.clone())).collect();
    Box::pin(Watching { source, context, interval, known }.run())
}

impl Watching {
    async fn run(mut self) {
        loop {
            let cancelled = self.context.cancel().clone();
            tokio::select! {
                () = cancelled.wait() => return,
                () = tokio::time::sleep(self.interval) => {}
            }
            match look(&self.source, &self.context).await {
                Ok(report) => self.tell(report),
                // A cluster that does not answer for a while is not the end of a watch.
                Err(failure) => self.context.message(Message::WatchFailed { error: sentence(failure.fault()) }),
            }
        }
    }

    /// Tells what is new and what has cleared. Objects that could not be read this time are as before.
    fn tell(&mut self, report: DriftReport) {
        let now: BTreeMap<Identity, Drift> =
            report.drift.into_iter().map(|drift| (drift.identity.clone(), drift)).collect();
        for (identity, drift) in &now {
            if self.known.get(identity) != Some(drift) {
                self.context.message(Message::Drifted { object: identity.to_string(), lines: drift.lines() });
            }
        }
        if report.not_read == 0 {
            for identity in self.known.keys().filter(|identity| !now.contains_key(*identity)) {
                self.context.message(Message::DriftCleared { object: identity.to_string() });
            }
            self.known = now;
        } else {
            self.known.extend(now);
        }
    }
}
