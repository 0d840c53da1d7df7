//! Everything that touches the world.

pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod event;
pub mod fault;
pub mod import;
pub mod interrupt;
pub mod rehearse;
pub mod rules;
pub mod settings;
pub mod toolchain;
pub mod ui;
pub mod verify;
pub mod workbench;
pub mod workspace;
