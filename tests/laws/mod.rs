//! Laws of all generated code, checked on every fixture.

mod access;
mod alike;
mod bytes;
mod cluster;
mod corners;
mod coverage;
mod format;
mod goldens;
mod impacts;
mod located;
mod network;
mod nodes;
mod notes;
mod observations;
mod oracle;
mod proofs;
mod random;
mod references;
mod remedies;
mod schema;
mod secrets;
mod shapes;
mod spellings;
mod text;
