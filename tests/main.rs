//! The one integration binary: a module per subject, what they share in `support`.

mod client;
mod import;
mod process;
mod server;
mod support;
