//! Everything that touches the world.

pub mod event;
pub mod fault;
pub mod interrupt;
pub mod toolchain;
