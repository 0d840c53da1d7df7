"""What people's scripts do with proxmoxer: both logins, a guest of each kind from its creation to its end, and what is around.

The cluster is that of fixtures/pve-9.1.tar.zst. The environment says where it is: PROXMOX_HOST, PROXMOX_TOKEN, PROXMOX_PASSWORD.
"""

import io
import os
import time
import urllib.parse

import proxmoxer

NODE = "pve1"
PLACE = urllib.parse.urlsplit(os.environ["PROXMOX_HOST"])


def connected(**login):
    """A client, which checks the certificate that REQUESTS_CA_BUNDLE names."""
    return proxmoxer.ProxmoxAPI(PLACE.hostname, port=PLACE.port, verify_ssl=True, **login)


def finished(api, upid, expected="OK"):
    """Waits for a task."""
    for _ in range(100):
        status = api.nodes(NODE).tasks(upid).status.get()
        if status["status"] == "stopped":
            assert status["exitstatus"] == expected, (upid, status)
            return
        time.sleep(0.05)
    raise AssertionError(f"{upid} does not end")


def refused(call, status, words):
    """Asserts that a call is refused."""
    try:
        call()
    except proxmoxer.ResourceException as refusal:
        assert refusal.status_code == status and words in str(refusal), refusal
    else:
        raise AssertionError(f"not refused: {words}")


def around(api):
    """A pool, a user with a group, a role and rights, a storage, and a file on it."""
    api.pools.post(poolid="clients", comment="by a script")
    api.access.groups.post(groupid="scripts", comment="they write")
    api.access.roles.post(roleid="Writer", privs="VM.Audit,VM.PowerMgmt")
    api.access.users.post(userid="carl@pve", password="correct horse", groups="scripts", email="carl@example.com")
    api.access.acl.put(path="/pool/clients", roles="Writer", groups="scripts")
    entries = [entry for entry in api.access.acl.get() if entry["path"] == "/pool/clients"]
    assert [(entry["roleid"], entry["ugid"], entry["propagate"]) for entry in entries] == [("Writer", "scripts", 1)]
    api.storage.post(storage="files", type="dir", path="/srv/files", content="iso,backup,images,rootdir")
    assert api.storage("files").get()["path"] == "/srv/files"
    assert "files" in [storage["storage"] for storage in api.nodes(NODE).storage.get(content="iso")]
    file = io.BytesIO(b"0" * 4096)
    file.name = "boot.iso"
    finished(api, api.nodes(NODE).storage("files").upload.post(content="iso", filename=file))
    assert [file["volid"] for file in api.nodes(NODE).storage("files").content.get()] == ["files:iso/boot.iso"]


def machine(api):
    """A virtual machine: made, changed, cloned, kept, started, backed up, restored, removed."""
    vmid = int(api.cluster.nextid.get())
    disk = {"scsihw": "virtio-scsi-pci", "scsi0": "files:2,format=qcow2", "ide2": "files:iso/boot.iso,media=cdrom"}
    made = api.nodes(NODE).qemu.post(vmid=vmid, name="web", memory=512, net0="virtio,bridge=vmbr0", pool="clients", **disk)
    finished(api, made)
    own = api.nodes(NODE).qemu(vmid)
    own.config.put(cores=2, description="a\nb", tags="one;two")
    config = own.config.get()
    assert (config["cores"], config["description"], config["tags"]) == (2, "a\nb", "one;two"), config
    finished(api, own.resize.put(disk="scsi0", size="+1G"))
    finished(api, own.snapshot.post(snapname="before", description="as it was"))
    own.config.put(cores=4)
    finished(api, own.snapshot("before").rollback.post())
    assert own.config.get()["cores"] == 2
    finished(api, own.clone.post(newid=vmid + 1, name="copy", full=1))
    finished(api, own.status.start.post())
    assert own.status.current.get()["status"] == "running"
    refused(own.delete, 500, f"VM {vmid} is running - destroy failed")
    finished(api, own.status.stop.post())
    finished(api, own.snapshot("before").delete())
    finished(api, api.nodes(NODE).vzdump.post(vmid=vmid, storage="files", mode="stop", compress="zstd"))
    backup = api.nodes(NODE).storage("files").content.get(content="backup", vmid=vmid)[0]
    members = [member["vmid"] for member in api.pools.get(poolid="clients")[0]["members"] if "vmid" in member]
    assert members == [vmid], members
    finished(api, own.delete())
    finished(api, api.nodes(NODE).qemu.post(vmid=vmid, archive=backup["volid"], storage="files", pool="clients"))
    assert own.config.get()["name"] == "web" and "size=3G" in own.config.get()["scsi0"], own.config.get()
    names = {guest["vmid"]: guest["name"] for guest in api.cluster.resources.get(type="vm")}
    assert (names[vmid], names[vmid + 1]) == ("web", "copy")
    finished(api, api.nodes(NODE).qemu(vmid + 1).delete(purge=1))
    return vmid


def container(api):
    """A container, likewise."""
    vmid = int(api.cluster.nextid.get())
    template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
    net = "name=eth0,bridge=vmbr0,ip=dhcp"
    made = api.nodes(NODE).lxc.post(
        vmid=vmid, ostemplate=template, hostname="box", rootfs="files:4", memory=256, net0=net, pool="clients"
    )
    finished(api, made)
    own = api.nodes(NODE).lxc(vmid)
    own.config.put(memory=384, description="box")
    assert own.config.get()["memory"] == 384
    finished(api, own.status.start.post())
    assert own.status.current.get()["status"] == "running"
    finished(api, own.status.shutdown.post())
    finished(api, own.delete())
    return vmid


def by_password(vmid):
    """A user sees what the pool lets him, and changes his own password."""
    api = connected(user="carl@pve", password="correct horse")
    assert [guest["vmid"] for guest in api.cluster.resources.get(type="vm")] == [vmid]
    finished(api, api.nodes(NODE).qemu(vmid).status.start.post())
    finished(api, api.nodes(NODE).qemu(vmid).status.stop.post())
    refused(lambda: api.nodes(NODE).qemu(vmid).config.put(cores=1), 403, "Permission check failed")
    api.access.password.put(**{"userid": "carl@pve", "password": "battery staple", "confirmation-password": "correct horse"})
    connected(user="carl@pve", password="battery staple").version.get()


def gone(api, vmid):
    """Everything goes again."""
    refused(api.pools("clients").delete, 500, f"pool 'clients' is not empty (contains VM {vmid})")
    finished(api, api.nodes(NODE).qemu(vmid).delete())
    api.pools("clients").delete()
    api.access.users("carl@pve").delete()
    api.access.groups("scripts").delete()
    api.access.roles("Writer").delete()
    api.storage("files").delete()
    assert "/pool/clients" not in [entry["path"] for entry in api.access.acl.get()]
    assert not [task for task in api.nodes(NODE).tasks.get(errors=1)]


def main():
    token = dict(user="root@pam", token_name="iac", token_value=os.environ["PROXMOX_TOKEN"])
    api = connected(**token)
    assert api.version.get()["release"] == "9.1"
    around(api)
    vmid = machine(api)
    container(api)
    by_password(vmid)
    gone(api, vmid)
    root = connected(user="root@pam", password=os.environ["PROXMOX_PASSWORD"])
    value = root.access.users("root@pam").token("again").post(comment="a second one", privsep=0)["value"]
    again = connected(user="root@pam", token_name="again", token_value=value)
    again.access.users("root@pam").token("again").delete()
    print("all done")


main()
