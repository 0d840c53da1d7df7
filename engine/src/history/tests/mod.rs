//! Tests of the history with the real `git` program.
