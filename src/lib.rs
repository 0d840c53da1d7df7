//! Everything that touches the world.

pub mod event;
pub mod fault;
