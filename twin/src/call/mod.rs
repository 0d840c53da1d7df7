//! The ground of the twin: a call of a writing method, who makes it, and how it is refused.
//!
//! `state`, `rights` and `writes` stand on this room, in this order; it uses none of them.

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::{self, Method};
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Map, Value};

mod cause;
mod checks;
mod login;
mod refusal;
mod request;

pub use cause::Cause;
pub(crate) use cause::{BOOT_ORDER, CONFIG, EXISTS, NOT_EMPTY, PROTECTED, ROOT_ONLY};
pub(crate) use checks::{Check, in_order};
pub use login::Login;
pub use refusal::{CANNOT, Refusal};
pub use request::Request;

/// Call of a writing method with its parameters, which were checked against the schema.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: &'static Method,
    /// The path, without its query.
    pub path: ApiPath,
    /// The segments of the path as plain text.
    pub segments: Vec<String>,
    /// The parameters, those of the path included, as they were sent.
    pub parameters: Map<String, Value>,
    /// The names of the parameters that the path gives.
    pub captured: Vec<&'static str>,
    /// The size of the file that came along, in bytes.
    pub uploaded: Option<u64>,
    /// Login that makes the call.
    pub login: Login,
    /// Time for which a task is shown as running, in seconds.
    pub duration: i64,
    /// True if this login may not do everything.
    pub checked: bool,
}

impl Call {
    /// A parameter as text; `None` where it was not given.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.parameters.get(name)? {
            Value::Bool(truth) => Some(u8::from(*truth).to_string()),
            value => text(value),
        }
    }

    /// A parameter that the schema requires, as text.
    pub fn required(&self, name: &str) -> Result<String, Refusal> {
        let missing = || Refusal::parameter(name, "property is missing and it is not optional");
        self.text(name).ok_or_else(missing)
    }

    /// Reports whether a boolean parameter was given as true.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).as_deref() == Some("1")
    }

    /// A parameter as a number; `None` where it was not given, or is no number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The words of a list parameter (`pve-configid-list`, an array); none where it was not given.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.parameters.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
            Some(value) => list::items(&text(value).unwrap_or_default()).map(str::to_owned).collect(),
            None => Vec::new(),
        }
    }

    /// A parameter as Proxmox keeps it: numbers and booleans as numbers.
    pub fn typed(&self, name: &str) -> Option<Value> {
        let value = self.parameters.get(name).filter(|value| !value.is_null())?;
        let parameter = self.method.parameter(name)?;
        Some(schema::convert(parameter, value))
    }

    /// Parameters that the call gives besides those of its path, each as Proxmox keeps it.
    pub fn given(&self) -> Map<String, Value> {
        let names = self.parameters.keys().filter(|name| !self.captured.contains(&name.as_str()));
        names.filter_map(|name| Some((name.clone(), self.typed(name)?))).collect()
    }

    /// The node that the path names.
    pub fn node(&self) -> String {
        self.text("node").unwrap_or_default()
    }
}
