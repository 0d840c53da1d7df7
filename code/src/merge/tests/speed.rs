//! Time of a merge, measured and printed.
