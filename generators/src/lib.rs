//! Answers of a Proxmox API become Terraform text: pure functions, no world.
