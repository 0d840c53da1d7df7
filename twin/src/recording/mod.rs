//! A recording: the one stored form of a cluster's state, a folder or the same folder packed as one file.

mod about;
mod bounds;
mod error;
mod folder;
mod packed;
mod place;
mod private;
mod reader;
mod sizes;
mod text;
mod writer;

pub use about::{About, FORMAT};
pub use error::RecordingError;
pub(crate) use packed::files as packed_files;
pub use packed::{pack, unpack};
pub use reader::Recording;
pub use writer::RecordingWriter;
