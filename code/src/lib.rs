//! Terraform code as people and programs write it: read, located and edited byte for byte. Pure: text goes in, text comes out.
//!
//! Two readers share the work. [`Document`] parses a whole file and knows the location of everything in it; [`lines`] reads the
//! canonical layout of generated files line by line, because ten thousand parsed blocks take two hundred megabytes.

pub mod check;
pub mod configuration;
pub mod declarations;
pub mod document;
pub mod edit;
pub mod extract;
pub mod index;
pub mod lines;
pub mod lock_file;
pub mod merge;
pub mod outline;
pub mod parts;
pub mod quote;
pub mod references;
pub mod root_module;
mod scan;
mod traversals;

pub use document::{Attribute, Block, Document, SyntaxError};
pub use edit::Edit;
pub use index::{Import, Index, Location, Resource};
pub use parts::Parts;
pub use root_module::{RootModule, Variable};
