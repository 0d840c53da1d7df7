//! The one integration binary: a module per subject, what they share in `support`.

mod process;
mod support;
