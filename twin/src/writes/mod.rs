//! Writing methods of the API: the table of those that the twin does, and the way of a call to them.
//!
//! docs/twin.md, "Add a writing method", says how to add one.

use proxmox_mpc_model::Answer;
use proxmox_mpc_model::schema::{Method, Release, Verb};
use serde_json::Value;

use crate::call::{Call, Login, Refusal, Request};
use crate::rights::{self, AdmissionError, Checks};
use crate::state::{State, Transaction};

mod access;
mod acme_accounts;
mod apt;
mod checked_call;
mod collections;
mod digest;
mod firewall;
mod guests;
mod method;
mod network;
mod nodes;
mod options;
mod passwords;
mod pools;
mod schedule;
mod scheduled_work;
mod sdn;
mod tasks;
mod versions;

use checked_call::checked_call;
use method::{Handler, Write};
pub(crate) use schedule::is_due;
pub use scheduled_work::come_due;

/// The tables of writing methods, one for each subject. A collection's methods need no row
/// ([`collections::COLLECTIONS`]).
static TABLES: &[&[Write]] = &[
    access::WRITES,
    acme_accounts::WRITES,
    apt::WRITES,
    guests::WRITES,
    guests::containers::WRITES,
    guests::ha_manager::WRITES,
    guests::bulk_actions::WRITES,
    guests::migration::WRITES,
    guests::replication::WRITES,
    network::WRITES,
    nodes::WRITES,
    options::WRITES,
    passwords::WRITES,
    pools::WRITES,
    tasks::WRITES,
];

/// Answers a call of a writing method.
pub fn perform(state: &State, request: Request) -> Answer {
    let now = request.now;
    match admitted(state, &request.login, now)
        .and_then(|class| state.write(now, |transaction| settled(transaction, request, class)))
    {
        Ok(answer) => answer,
        Err(refusal) => refusal.into(),
    }
}

/// Checks that the calls of a login go through.
fn admitted(state: &State, login: &Login, now: i64) -> Result<Checks, Refusal> {
    match rights::class(&*state.view(), state.recorded_rights()?, login, now) {
        Ok(admitted) => Ok(admitted.class),
        Err(AdmissionError::Login(reason)) => Err(Refusal::Message { status: 401, text: reason }),
        Err(AdmissionError::Unreadable(error)) => Err(error.into()),
    }
}

/// Does a call, and then what follows from it in other lists.
fn settled(transaction: &mut Transaction, request: Request, class: Checks) -> Result<Answer, Refusal> {
    let answer = match checked_call(transaction, request, class).and_then(|call| run(transaction, &call)) {
        Ok(data) => Answer::ok(data),
        // What was written before the refusal counts.
        Err(Refusal::InPart(refusal)) => (*refusal).into(),
        Err(refusal) => return Err(refusal),
    };
    guests::ha_states::show(transaction)?;
    guests::shared_storages::show(transaction)?;
    Ok(answer)
}

/// Does the work of a method, or says that it is one of the twin's limits.
fn run(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let run = written(call.method)
        .ok_or_else(|| Refusal::beyond_the_twin(&format!("{} {}", call.method.verb, call.method.path)))?;
    run(transaction, call)
}

/// Finds the function of a method, where the twin does it.
fn written(method: &Method) -> Option<Handler> {
    let rows = TABLES.iter().copied().flatten();
    let row = rows.into_iter().find(|row| row.verb == method.verb && row.path == method.path);
    let row = row.map(|row| row.run).or_else(|| sdn::method(method.verb, &method.path));
    let row = row.or_else(|| collections::method(method.verb, &method.path));
    row.or_else(|| firewall::method(method.verb, &method.path))
}

/// Proxmox's writing methods, and whether the twin does each. The server answers logins by itself.
fn writing() -> impl Iterator<Item = (&'static Method, bool)> {
    let writing = Release::NEWEST.schema().methods().filter(|method| method.verb != Verb::Get);
    writing.map(|method| (method, method.path == "/access/ticket" || written(method).is_some()))
}

/// Number of writing methods that the twin does.
pub fn done() -> usize {
    writing().filter(|(_, done)| *done).count()
}

/// Proxmox's writing methods that the twin cannot do: `POST /nodes/{node}/…`, sorted.
pub fn limits() -> Vec<String> {
    let beyond = writing().filter(|(_, done)| !done);
    let mut limits: Vec<String> = beyond.map(|(method, _)| format!("{} {}", method.verb, method.path)).collect();
    limits.sort();
    limits
}
