//! Random clusters, random changes of them, and random edits of people.
