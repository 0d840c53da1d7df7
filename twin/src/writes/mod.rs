//! The writing methods of the API: the table of those that the twin does, and the way of a call to them.
//!
//! ARCHITECTURE.md, "The twin", says how to add one.

use proxmox_mpc_model::derived::{Deriver, no_method};
use proxmox_mpc_model::schema::{self, Method, Release, Verb};
use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Map, Value};

use crate::rights::{self, Barred, Class, Rights};
use crate::state::{State, Transaction};

mod access;
mod acme_accounts;
mod apt;
mod call;
mod collections;
mod digest;
mod due;
mod firewall;
mod guard;
mod guests;
mod network;
mod nodes;
mod options;
mod passwords;
mod pools;
mod refusal;
mod sdn;
mod tasks;

pub use call::{Call, Login};
pub use due::come_due;
pub(crate) use due::is_due;
pub use refusal::Refusal;

/// One writing method that the twin does.
pub struct Write {
    /// What is done.
    pub verb: Verb,
    /// The path as the schema has it: `/nodes/{node}/qemu/{vmid}/config`.
    pub path: &'static str,
    /// Does it, and gives the data of the answer.
    pub run: Run,
}

/// What a writing method does.
pub type Run = fn(&mut Transaction, &Call) -> Result<Value, Refusal>;

/// The tables of writing methods, one for each subject. A collection's methods need no row
/// ([`collections::COLLECTIONS`]).
static TABLES: &[&[Write]] = &[
    access::WRITES,
    acme_accounts::WRITES,
    apt::WRITES,
    guests::WRITES,
    guests::containers::WRITES,
    guests::managed::WRITES,
    guests::many::WRITES,
    guests::migration::WRITES,
    guests::replication::WRITES,
    network::WRITES,
    nodes::WRITES,
    options::WRITES,
    passwords::WRITES,
    pools::WRITES,
    tasks::WRITES,
];

/// A request to a writing method as it came in: nothing of it has been checked.
#[derive(Debug)]
pub struct Request {
    /// What is to be done.
    pub verb: Verb,
    /// Where, without the query.
    pub path: ApiPath,
    /// The parameters of query and body.
    pub parameters: Map<String, Value>,
    /// The size of the file that came along, in bytes.
    pub uploaded: Option<u64>,
    /// Who asks.
    pub login: Login,
    /// When, in seconds since 1970.
    pub now: i64,
    /// How long a task that it starts is seen running, in seconds.
    pub duration: i64,
}

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

/// How far the login is looked at.
fn admitted(state: &State, login: &Login, now: i64) -> Result<Class, Refusal> {
    match rights::class(&*state.view(), state.recorded_rights()?, login, now) {
        Ok(admitted) => Ok(admitted.class),
        Err(Barred::Login(reason)) => Err(Refusal::Message { status: 401, text: reason }),
        Err(Barred::Unreadable(error)) => Err(error.into()),
    }
}

/// What a call does, and what follows from it in lists of others.
fn settled(transaction: &mut Transaction, request: Request, class: Class) -> Result<Answer, Refusal> {
    let answer = match run(transaction, request, class) {
        Ok(data) => Answer::ok(data),
        // What was written before the refusal counts.
        Err(Refusal::InPart(refusal)) => (*refusal).into(),
        Err(refusal) => return Err(refusal),
    };
    guests::services::show(transaction)?;
    guests::shared::show(transaction)?;
    Ok(answer)
}

/// Proxmox's order: is there such a method, may the login call it, is the node there, are the parameters right.
fn run(transaction: &mut Transaction, request: Request, class: Class) -> Result<Value, Refusal> {
    let deriver = Deriver::new(&*transaction);
    let (mut segments, release) = (deriver.canonical(request.path.clone())?.segments(), deriver.release()?);
    if segments.len() > 1 && segments[0] == "nodes" && segments[1] == "localhost" {
        segments[1] = transaction.local_node()?;
    }
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(found) = release.schema().find(request.verb, &words) else {
        return Err(Refusal::Answer(no_method(request.verb, &words)));
    };
    guard::check(transaction, &request, &found, class)?;
    let mut parameters = request.parameters;
    for (name, value) in &found.captured {
        let given = parameters.insert((*name).to_owned(), value.as_str().into());
        if given.is_some_and(|given| proxmox_mpc_model::object::text(&given).as_ref() != Some(value)) {
            let conflict = "duplicate parameter (already defined in URI) with conflicting values!";
            return Err(Refusal::parameter(name, conflict));
        }
    }
    schema::check(&found, &mut parameters).map_err(Refusal::Parameters)?;
    let call = Call {
        method: found.method,
        path: ApiPath::new(&segments),
        segments,
        parameters,
        captured: found.captured.iter().map(|(name, _)| *name).collect(),
        uploaded: request.uploaded,
        login: request.login,
        duration: request.duration,
        checked: class != Class::All,
    };
    if class == Class::Checked {
        Rights::read(transaction)?.check_own(transaction, &call)?;
    }
    let run = written(call.method)
        .ok_or_else(|| Refusal::beyond_the_twin(&format!("{} {}", call.method.verb, call.method.path)))?;
    run(transaction, &call)
}

/// What does a method, where the twin does it.
fn written(method: &Method) -> Option<Run> {
    let rows = TABLES.iter().copied().flatten();
    let row = rows.into_iter().find(|row| row.verb == method.verb && row.path == method.path);
    let row = row.map(|row| row.run).or_else(|| sdn::method(method.verb, &method.path));
    let row = row.or_else(|| collections::method(method.verb, &method.path));
    row.or_else(|| firewall::method(method.verb, &method.path))
}

/// The writing methods of Proxmox's, and whether the twin does them. The server answers logins by itself.
fn writing() -> impl Iterator<Item = (&'static Method, bool)> {
    let writing = Release::NEWEST.schema().methods().filter(|method| method.verb != Verb::Get);
    writing.map(|method| (method, method.path == "/access/ticket" || written(method).is_some()))
}

/// How many writing methods the twin does.
pub fn done() -> usize {
    writing().filter(|(_, done)| *done).count()
}

/// The writing methods of Proxmox's that the twin cannot do: `POST /nodes/{node}/…`, sorted.
pub fn limits() -> Vec<String> {
    let beyond = writing().filter(|(_, done)| !done);
    let mut limits: Vec<String> = beyond.map(|(method, _)| format!("{} {}", method.verb, method.path)).collect();
    limits.sort();
    limits
}
