//! What holds for all generated code, whatever the cluster: checked on every fixture.

mod bytes;
mod coverage;
mod format;
mod oracle;
mod schema;
mod secrets;
mod text;
