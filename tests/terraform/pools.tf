terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox", version = "0.111.1" }
  }
}
provider "proxmox" {
}
import {
  to = proxmox_virtual_environment_pool.prod
  id = "prod"
}
resource "proxmox_virtual_environment_pool" "prod" {
  pool_id = "prod"
  comment = "Production workloads"
}
import {
  to = proxmox_virtual_environment_pool.dev
  id = "dev"
}
resource "proxmox_virtual_environment_pool" "dev" {
  pool_id = "dev"
}
