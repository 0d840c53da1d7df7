//! Bounds of a recording: far above what a real cluster needs, far below what fills a computer's memory or disk.
//!
//! A made-up cluster of 10,000 guests (`twin synth`) has 75,000 answers of 122 MB together, the largest of 3 MB.

use super::error::RecordingError;

/// Largest size of one answer, in bytes: as large as the program takes one from a cluster.
pub(super) const ANSWER: u64 = 128 << 20;

/// Largest size of all answers of a packed recording together, in bytes: they are held in memory.
pub(super) const WHOLE: u64 = 512 << 20;

/// Largest number of files and folders in a packed recording.
const ENTRIES: u64 = 500_000;

/// Largest length of the name of an entry, in bytes, where the archive keeps it as an entry of its own.
const NAME: u64 = 64 << 10;

/// Largest size that a packed recording may unpack to, in bytes: each entry has up to 1 KiB besides its content.
pub(super) const UNPACKED: u64 = WHOLE + ENTRIES * (1 << 10);

/// The base-two logarithm of the memory, in bytes, that Zstandard may ask for to unpack: what its own tools grant at
/// most unless they are told otherwise.
pub(super) const WINDOW_LOG: u32 = 27;

/// Size and number of the entries of a packed recording so far.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    entries: u64,
    bytes: u64,
}

impl Bounds {
    /// Counts an entry of this name and size; errors where it goes beyond a bound.
    pub(super) fn count(&mut self, name: &str, size: u64) -> Result<(), RecordingError> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        answer(name, size)?;
        if self.bytes > WHOLE {
            return Err(whole());
        }
        if self.entries > ENTRIES {
            return Err(RecordingError::TooMany { bound: ENTRIES });
        }
        Ok(())
    }

    /// The same for an entry that holds the name of the next one, or other data about it.
    pub(super) fn count_name(&mut self, size: u64) -> Result<(), RecordingError> {
        if size > NAME {
            return Err(RecordingError::TooLarge { what: "the name of an entry".to_owned(), size, bound: NAME });
        }
        self.count("", size)
    }
}

/// Refuses an answer that is larger than [`ANSWER`].
pub(super) fn answer(name: &str, size: u64) -> Result<(), RecordingError> {
    if size > ANSWER {
        return Err(RecordingError::TooLarge { what: format!("`{name}`"), size, bound: ANSWER });
    }
    Ok(())
}

/// Error of a recording that is larger than [`WHOLE`].
pub(super) fn whole() -> RecordingError {
    RecordingError::TooLargeWhole { bound: WHOLE }
}
