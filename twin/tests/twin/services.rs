//! Storages, pools and HA: what a new one is asked for, what follows from it, and what goes with it.

use serde_json::{Value, json};

use crate::support::Client;
use crate::writes::{refusal, send, with_cluster};

/// The data of a successful call.
fn done(client: &mut Client, method: &str, path: &str, form: &str) -> Value {
    let response = send(client, method, path, form);
    assert_eq!(response.status, 200, "{method} {path} {form}: {}", response.body);
    response.answer().body["data"].take()
}

/// The data of a path.
fn read(client: &mut Client, path: &str) -> Value {
    let response = client.get(&format!("/api2/json/{path}"));
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    response.answer().body["data"].take()
}

/// Asserts each refusal: method, path, form, status, and its errors or message.
fn refuses(client: &mut Client, cases: &[(&str, &str, &str, u16, &str)]) {
    for (method, path, form, status, message) in cases {
        let response = send(client, method, path, form);
        assert_eq!(refusal(&response), (*status, json!(message)), "{method} {path} {form}");
    }
}

/// The types that are shared by themselves say so; a backup server's answers what it was configured with; the rest as
/// recorded, or as `PVE::SectionConfig` and `PVE::Storage` check it.
#[test]
fn options_of_a_storage_depend_on_its_type() {
    with_cluster(|mut client| {
        let made = done(
            &mut client,
            "POST",
            "storage",
            "storage=p1&type=pbs&server=192.0.2.1&datastore=d&username=u%40pbs&password=s&disable=1&encryption-key=autogen",
        );
        let key: Value = serde_json::from_str(made["config"]["encryption-key"].as_str().unwrap()).unwrap();
        let shown = read(&mut client, "storage/p1");
        assert_eq!(shown["encryption-key"], key["fingerprint"]);
        assert_eq!(
            (&shown["shared"], &shown["content"], &shown["password"]),
            (&json!(1), &json!("backup"), &Value::Null)
        );
        let made = done(&mut client, "POST", "storage", "storage=n1&type=nfs&server=192.0.2.1&export=%2Fe&disable=1");
        assert_eq!(made, json!({"storage": "n1", "type": "nfs"}));
        assert_eq!(read(&mut client, "storage/n1")["path"], "/mnt/pve/n1");
        done(&mut client, "PUT", "storage/n1", "disable=0");
        refuses(
            &mut client,
            &[
                (
                    "POST",
                    "storage",
                    "storage=p2&type=pbs&server=127.0.0.9&datastore=x&username=a%40pbs&password=p",
                    500,
                    "create storage failed: p2: error fetching datastores - 500 Can't connect to 127.0.0.9:8007 (Connection \
                     refused)\n",
                ),
                (
                    "POST",
                    "storage",
                    "storage=s2&type=cifs&server=127.0.0.9&share=x&username=a&password=p",
                    500,
                    "create storage failed: storage 's2' is not online\n",
                ),
                (
                    "POST",
                    "storage",
                    "storage=p1&type=pbs&server=127.0.0.9&datastore=x",
                    500,
                    "create storage failed: storage ID 'p1' already defined\n",
                ),
                ("POST", "storage", "storage=d2&type=dir", 500, "missing value for required option 'path'\n"),
                ("POST", "storage", "storage=d2&type=dir&path=%2Fd&vgname=vv", 500, "unexpected property 'vgname'\n"),
                (
                    "POST",
                    "storage",
                    "storage=d2&type=pbs&server=a&datastore=b&disable=1&encryption-key=x",
                    500,
                    "create storage failed: Value does not seems like a valid, JSON formatted encryption key!\n",
                ),
                (
                    "POST",
                    "storage",
                    "storage=d2&type=dir&path=%2Fd&content=none%2Ciso",
                    500,
                    "unable to combine 'none' with other content types\n",
                ),
                (
                    "PUT",
                    "storage/n1",
                    "server=192.0.2.2",
                    500,
                    "update storage failed: can't change value of fixed parameter 'server'\n",
                ),
                (
                    "PUT",
                    "storage/n1",
                    "delete=server",
                    500,
                    "update storage failed: unable to delete required option 'server'\n",
                ),
            ],
        );
        // A server that another storage uses is there.
        done(&mut client, "POST", "storage", "storage=n2&type=nfs&server=192.0.2.1&export=%2Ff");
    });
}

/// A new storage is on the lists of its nodes and of the cluster, and takes its place in pools and rights along.
#[test]
fn answers_about_a_storage_follow_its_configuration() {
    with_cluster(|mut client| {
        done(&mut client, "POST", "storage", "storage=d1&type=dir&path=%2Fsrv%2Fd1&content=iso&nodes=pve2");
        let listed = |client: &mut Client, node: &str| {
            let rows = read(client, &format!("nodes/{node}/storage"));
            rows.as_array().unwrap().iter().find(|row| row["storage"] == "d1").cloned()
        };
        let resources = |client: &mut Client| {
            let rows = read(client, "cluster/resources?type=storage");
            let ids = rows.as_array().unwrap().iter().filter_map(|row| row["id"].as_str().map(str::to_owned));
            ids.filter(|id| id.ends_with("/d1")).collect::<Vec<_>>()
        };
        assert_eq!(listed(&mut client, "pve1").unwrap()["enabled"], 0);
        let there = listed(&mut client, "pve2").unwrap();
        assert_eq!((&there["enabled"], &there["active"], &there["content"]), (&json!(1), &json!(1), &json!("iso")));
        assert_eq!(resources(&mut client), ["storage/pve2/d1"]);
        assert_eq!(read(&mut client, "nodes/pve2/storage/d1/status")["active"], 1);
        assert_eq!(read(&mut client, "nodes/pve2/storage/d1/content"), json!([]));
        done(&mut client, "PUT", "storage/d1", "delete=nodes");
        assert_eq!(resources(&mut client).len(), 3);
        done(&mut client, "PUT", "pools", "poolid=dev&storage=d1");
        done(&mut client, "PUT", "access/acl", "path=%2Fstorage%2Fd1&roles=PVEAuditor&users=root%40pam");
        done(&mut client, "DELETE", "storage/d1", "");
        assert_eq!((listed(&mut client, "pve2"), resources(&mut client)), (None, Vec::new()));
        let pool = read(&mut client, "pools?poolid=dev");
        assert_eq!(pool[0]["members"].as_array().unwrap().len(), 1);
        assert!(!read(&mut client, "access/acl").to_string().contains("/storage/d1"));
    });
}

/// Members are listed once each, guests first; who they are follows from the guests, whatever changes those.
#[test]
fn a_pool_has_its_current_members() {
    with_cluster(|mut client| {
        let members = |client: &mut Client, query: &str| {
            let pool = read(client, &format!("pools?{query}"));
            let members = pool[0]["members"].as_array().unwrap().iter();
            members.map(|member| member["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        done(&mut client, "POST", "pools", "poolid=p&comment=c");
        done(&mut client, "POST", "pools", "poolid=p%2Fq");
        done(&mut client, "PUT", "pools?poolid=p", "allow-move=1&storage=local");
        done(&mut client, "PUT", "pools?poolid=p", "allow-move=1&vms=105%2C103");
        assert_eq!(members(&mut client, "poolid=p"), ["qemu/103", "qemu/105", "storage/pve1/local"]);
        assert_eq!(members(&mut client, "poolid=p&type=storage"), ["storage/pve1/local"]);
        assert_eq!(members(&mut client, "poolid=p%2Fq"), Vec::<String>::new());
        done(&mut client, "POST", "nodes/pve1/qemu", "vmid=500&memory=64&pool=p%2Fq");
        assert_eq!(members(&mut client, "poolid=p%2Fq"), ["qemu/500"]);
        refuses(
            &mut client,
            &[
                (
                    "DELETE",
                    "pools?poolid=p",
                    "",
                    500,
                    "delete pool failed: pool 'p' is not empty (contains pool 'p/q')\n",
                ),
                (
                    "DELETE",
                    "pools?poolid=p%2Fq",
                    "",
                    500,
                    "delete pool failed: pool 'p/q' is not empty (contains VM 500)\n",
                ),
                ("POST", "pools", "poolid=p%2F1", 500, "create pool failed: pool name must start with a letter\n"),
                (
                    "PUT",
                    "pools",
                    "poolid=p&storage=local",
                    500,
                    "update pools failed: Storage 'local' is already a pool member\n",
                ),
            ],
        );
        done(&mut client, "DELETE", "nodes/pve1/qemu/500", "");
        assert_eq!(members(&mut client, "poolid=p%2Fq"), Vec::<String>::new());
        done(&mut client, "DELETE", "pools?poolid=p%2Fq", "");
    });
}

/// A name that is taken is told before anything else; what cannot be kept together is refused whichever comes second.
#[test]
fn rules_of_ha_are_refused_in_order() {
    with_cluster(|mut client| {
        for sid in ["vm:101", "vm:105"] {
            done(&mut client, "POST", "cluster/ha/resources", &format!("sid={sid}&state=disabled"));
        }
        let (rules, apart) =
            ("cluster/ha/rules", "type=resource-affinity&affinity=negative&resources=vm%3A101%2Cvm%3A105");
        done(&mut client, "POST", rules, &format!("rule=apart&{apart}"));
        refuses(
            &mut client,
            &[
                (
                    "POST",
                    rules,
                    "rule=apart&type=resource-affinity&affinity=negative&resources=vm%3A999",
                    500,
                    "create ha rule failed: HA rule 'apart' already defined\n",
                ),
                (
                    "POST",
                    rules,
                    "rule=nn&type=node-affinity&nodes=pve1%3A2%2Cpve2&resources=vm%3A101",
                    500,
                    "create ha rule failed: 400 Rule 'nn' is invalid.\nresources: resources are in a resource affinity rule and \
                     cannot be in a node affinity rule with multiple priorities\n",
                ),
                (
                    "POST",
                    rules,
                    "rule=nn&type=node-affinity&nodes=pve9&resources=vm%3A101",
                    500,
                    "create ha rule failed: cannot use non-existent node(s) pve9.\n",
                ),
            ],
        );
        done(&mut client, "PUT", "cluster/ha/rules/apart", "type=resource-affinity&disable=1");
        done(&mut client, "POST", rules, "rule=nn&type=node-affinity&nodes=pve1%3A2%2Cpve2&resources=vm%3A101");
    });
}

/// The volumes of a storage of pve1.
fn volumes(client: &mut Client, query: &str) -> Vec<String> {
    let rows = read(client, &format!("nodes/pve1/storage/local/content?{query}"));
    rows.as_array().unwrap().iter().map(|row| row["volid"].as_str().unwrap().to_owned()).collect()
}

/// How a task ended, and its log.
fn ended(client: &mut Client, upid: &Value) -> (String, Vec<String>) {
    let upid = upid.as_str().unwrap();
    let node = upid.split(':').nth(1).unwrap();
    let status = read(client, &format!("nodes/{node}/tasks/{upid}/status"));
    let log = read(client, &format!("nodes/{node}/tasks/{upid}/log?limit=0"));
    let lines = log.as_array().unwrap().iter().map(|line| line["t"].as_str().unwrap().to_owned());
    (status["exitstatus"].as_str().unwrap_or_default().to_owned(), lines.collect())
}

/// Files are named as Proxmox names them, and refused as recorded.
#[test]
fn files_are_uploaded_and_downloaded() {
    with_cluster(|mut client| {
        done(&mut client, "PUT", "storage/local", "content=iso%2Cvztmpl%2Cbackup");
        let (path, url) = ("nodes/pve1/storage/local/download-url", "url=https%3A%2F%2Fwww.debian.org%2Fa%20b.iso");
        let refused = done(&mut client, "POST", path, &format!("content=iso&filename=d.iso&{url}"));
        let (exit, log) = ended(&mut client, &refused);
        assert_eq!(exit, "download failed: wget: unable to resolve host address 'proxy.lab.example'");
        assert_eq!(log[2], "Resolving proxy.lab.example (proxy.lab.example)... failed: Name or service not known.");
        refuses(
            &mut client,
            &[(
                "POST",
                path,
                &format!("content=import&filename=d.qcow2&{url}"),
                500,
                "storage 'local' is not configured for content-type 'import'\n",
            )],
        );
        let response = send(&mut client, "POST", path, &format!("content=iso&filename=d.exe&{url}"));
        assert_eq!(refusal(&response), (400, json!({"filename": "wrong file extension"})));
        let metadata = client.get("/api2/json/nodes/pve1/query-url-metadata?url=http%3A%2F%2F127.0.0.1%2Fx.iso");
        let why =
            "invalid server response: '500 Can't connect to proxy.lab.example:3128 (Name or service not known)'\n";
        assert_eq!(refusal(&metadata), (500, json!(why)));
    });
}

/// A backup is a volume with a log; old ones go as the rules say, protected ones stay; what fails does not stop the rest.
#[test]
fn guests_are_backed_up() {
    with_cluster(|mut client| {
        let path = "nodes/pve1/vzdump";
        let response = send(&mut client, "POST", path, "all=1&vmid=100");
        assert_eq!(refusal(&response), (400, json!({"all": "option conflicts with option 'vmid'"})));
        assert_eq!(done(&mut client, "POST", path, "vmid=102&storage=local"), json!("OK"), "it runs on another node");
        let task = done(&mut client, "POST", path, "vmid=999&storage=local");
        let (exit, log) = ended(&mut client, &task);
        assert_eq!((exit.as_str(), log.len()), ("job errors", 5));
        assert_eq!(log[0], "INFO: starting new backup job: vzdump 999 --storage local --node pve1");
        assert_eq!(log[1], "ERROR: Backup of VM 999 failed - unable to find VM '999'");
        let before = volumes(&mut client, "content=backup").len();
        let both = "vmid=101%2C999&storage=local&compress=zstd&notes-template=%7B%7Bguestname%7D%7D+on+%7B%7Bnode%7D%7D&protected=1";
        let task = done(&mut client, "POST", path, both);
        assert_eq!(ended(&mut client, &task).0, "job errors");
        let rows = read(&mut client, "nodes/pve1/storage/local/content?content=backup&vmid=101");
        let backup = &rows[0];
        assert_eq!((&backup["notes"], &backup["protected"]), (&json!("ci-ubuntu on pve1"), &json!(1)));
        assert_eq!((&backup["format"], &backup["subtype"]), (&json!("vma.zst"), &json!("qemu")));
        assert_eq!(volumes(&mut client, "content=backup").len(), before + 1);
        let volume = backup["volid"].as_str().unwrap().to_owned();
        let kept = done(&mut client, "POST", path, "vmid=101&storage=local&compress=gzip&prune-backups=keep-last%3D1");
        let (exit, log) = ended(&mut client, &kept);
        assert_eq!(exit, "OK");
        assert!(log.contains(&"INFO: pruned 0 backup(s)".to_owned()), "{log:?}");
        let single = format!("nodes/pve1/storage/local/content/{}", volume.replace('/', "%2F"));
        let task = done(&mut client, "DELETE", &single, "");
        assert_eq!(ended(&mut client, &task).0, format!("cannot remove protected volume '{volume}' on 'pve1'"));
        done(&mut client, "PUT", &single, "protected=0&notes=");
        let task = done(
            &mut client,
            "DELETE",
            "nodes/pve1/storage/local/prunebackups?prune-backups=keep-last%3D1&vmid=101",
            "",
        );
        assert_eq!(ended(&mut client, &task).0, "OK");
        assert_eq!(volumes(&mut client, "content=backup&vmid=101").len(), 1);
    });
}

/// Lists of tasks are filtered as Proxmox filters them, and the cluster's log tells what they did.
#[test]
fn tasks_are_listed_and_logged() {
    with_cluster(|mut client| {
        let good = done(&mut client, "POST", "nodes/pve1/qemu", "vmid=500&memory=64");
        let bad = done(&mut client, "POST", "nodes/pve1/qemu/999/status/start", "");
        let listed = |client: &mut Client, query: &str| {
            let rows = read(client, &format!("nodes/pve1/tasks?{query}"));
            rows.as_array().unwrap().iter().map(|row| row["upid"].clone()).collect::<Vec<_>>()
        };
        let (good, bad) = (&good, &bad);
        let cases: [(&str, &[&Value]); 8] = [
            ("", &[bad, good]),
            ("errors=1", &[bad]),
            ("statusfilter=ok%2Cwarning", &[good]),
            ("typefilter=qmcreate", &[good]),
            ("vmid=999", &[bad]),
            ("source=active", &[]),
            ("limit=1&start=1", &[good]),
            ("until=1", &[]),
        ];
        for (query, expected) in cases {
            assert_eq!(listed(&mut client, query).iter().collect::<Vec<_>>(), expected, "{query}");
        }
        let log = read(&mut client, "cluster/log?max=3");
        let told: Vec<(u64, String)> = log
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["pri"].as_u64().unwrap(), entry["msg"].as_str().unwrap().to_owned()))
            .collect();
        let (good, bad) = (good.as_str().unwrap(), bad.as_str().unwrap());
        done(&mut client, "PUT", "nodes/pve1/qemu/500/config", "cores=2&cipassword=hush&delete=name");
        let log = read(&mut client, "cluster/log?max=1");
        assert_eq!(log[0]["msg"], "update VM 500: -cipassword <hidden> -cores 2 -delete name");
        let why = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
        let expected = [
            (3, format!("end task {bad} {why}")),
            (6, format!("starting task {bad}")),
            (6, format!("end task {good} OK")),
        ];
        assert_eq!(told, expected);
        done(&mut client, "DELETE", &format!("nodes/pve1/tasks/{good}"), "");
        let response =
            send(&mut client, "DELETE", "nodes/pve1/tasks/UPID:pve1:00000001:00000002:00000003:x::root@pam:", "");
        assert_eq!(refusal(&response), (400, json!({"upid": "no such task"})));
    });
}

/// A guest comes back as it was backed up, with volumes of its own; what is not the twin's to know it says.
#[test]
fn backups_are_restored() {
    with_cluster(|mut client| {
        let disk = "scsihw=virtio-scsi-pci&scsi0=local-lvm%3A2&net0=virtio%2Cbridge%3Dvmbr0";
        done(&mut client, "POST", "nodes/pve1/qemu", &format!("vmid=500&name=web&{disk}"));
        done(&mut client, "POST", "nodes/pve1/vzdump", "vmid=500&storage=local");
        let backup = volumes(&mut client, "content=backup&vmid=500").remove(0).replace('/', "%2F");
        let (path, archive) = ("nodes/pve1/qemu", format!("archive={backup}"));
        let taken = "unable to restore VM 500 - VM 500 already exists on node 'pve1'\n";
        refuses(&mut client, &[("POST", path, &format!("vmid=500&{archive}"), 500, taken)]);
        let response = send(&mut client, "POST", path, &format!("vmid=501&{archive}&scsi1=local-lvm%3A1"));
        assert_eq!(refusal(&response), (400, json!({"scsi1": "option conflicts with option 'archive'"})));
        done(&mut client, "PUT", "nodes/pve1/qemu/500/config", "name=other");
        let over = done(&mut client, "POST", path, &format!("vmid=500&force=1&{archive}"));
        assert_eq!(ended(&mut client, &over).0, "OK");
        let config = read(&mut client, "nodes/pve1/qemu/500/config");
        assert_eq!((&config["name"], &config["scsi0"]), (&json!("web"), &json!("local-lvm:vm-500-disk-0,size=2G")));
        done(&mut client, "POST", path, &format!("vmid=501&{archive}&storage=local&unique=1&memory=64"));
        let copy = read(&mut client, "nodes/pve1/qemu/501/config");
        assert_eq!((&copy["memory"], &copy["scsi0"]), (&json!("64"), &json!("local:501/vm-501-disk-0.raw,size=2G")));
        assert_ne!(copy["net0"], config["net0"]);
        let foreign = "archive=local%3Abackup%2Fvzdump-qemu-100-2026_01_02-03_04_05.vma.zst";
        assert_eq!(send(&mut client, "POST", path, &format!("vmid=502&{foreign}")).status, 501);
    });
}

/// The slashes of a volume need not be escaped; who is removed has no rights left, and no group.
#[test]
fn removed_objects_leave_nothing_behind() {
    with_cluster(|mut client| {
        done(&mut client, "DELETE", "nodes/pve1/storage/local/content/local:iso/virtio-win.iso", "");
        assert_eq!(volumes(&mut client, "content=iso"), ["local:iso/debian-12.iso"]);
        let rights = |client: &mut Client, word: &str| read(client, "access/acl").to_string().matches(word).count();
        assert_eq!((rights(&mut client, "\"ops\""), rights(&mut client, "IaC")), (2, 1));
        done(&mut client, "DELETE", "access/groups/ops", "");
        done(&mut client, "DELETE", "access/roles/IaC", "");
        assert_eq!((rights(&mut client, "\"ops\""), rights(&mut client, "IaC")), (0, 0));
        assert_eq!(read(&mut client, "access/users/alice@pve")["groups"], json!(["admins"]));
        let tokens = read(&mut client, "access/users/alice@pve/token");
        assert_eq!(tokens[0]["tokenid"], "expired");
        done(&mut client, "PUT", "access/domains/pam", "default=1");
        let realms = read(&mut client, "access/domains");
        let first: Vec<&Value> = realms.as_array().unwrap().iter().filter(|realm| realm["default"] == 1).collect();
        assert_eq!((first.len(), &first[0]["realm"]), (1, &json!("pam")));
        let response = send(&mut client, "PUT", "access/password", "userid=alice%40pve&password=long%20enough");
        assert_eq!(response.status, 403, "a token sets no password: {}", response.body);
    });
}

/// A user's line has the address before the comment: where there is one, an address that nobody gave reads as an empty one.
#[test]
fn a_comment_brings_an_empty_address() {
    with_cluster(|mut client| {
        done(&mut client, "POST", "access/users", "userid=plain%40pve");
        assert_eq!(read(&mut client, "access/users/plain%40pve")["email"], Value::Null);
        done(&mut client, "PUT", "access/users/plain%40pve", "comment=one");
        assert_eq!(read(&mut client, "access/users/plain%40pve")["email"], "");
        done(&mut client, "PUT", "access/users/plain%40pve", "comment=two&email=");
        assert_eq!(read(&mut client, "access/users/plain%40pve")["email"], "");
        done(&mut client, "POST", "cluster/backup", "id=nightly&schedule=02%3A00&all=1&storage=local&mailto=root");
    });
}
