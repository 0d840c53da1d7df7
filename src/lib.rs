//! Command line of Proxmox-MPC: options become requests to the engine, its events and reports become text.

pub mod cli;
pub mod commands;
pub mod page;
mod print;
mod reports;
pub mod signals;
pub mod ui;
