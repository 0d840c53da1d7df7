//! The module against a server that records its requests: equal values, requests and messages.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Ansible;
use crate::server::{Reply, Request, Server};
use crate::support::program::{Ran, ran_in};
use crate::support::tools::or_skip;

const CANARY: &str = "CANARY-of-a-secret";

/// A task: its arguments, the expected message, and the expected requests.
struct Case {
    arguments: Value,
    says: Says,
    sends: &'static [&'static str],
}

enum Says {
    Same,
    Changed,
    /// A failure with this message.
    Failed(&'static str),
    /// No failure, although this was refused; true if something else was changed.
    Refused(&'static str, bool),
}

/// Answers of the server; `*` shows the form of Proxmox's answer to a path.
fn answer(request: &Request, asked_before: usize) -> Reply {
    let data = |data: Value| Reply::ok(&json!({"data": data}).to_string());
    let refused = |status: &str, body: Value| Reply::json(status, &body.to_string());
    let message =
        |status: &str, message: &str| refused(status, json!({"data": null, "message": format!("{message}\n")}));
    let (method, path) = (request.method.as_str(), request.target.trim_start_matches("/api2/json/"));
    match (method, path) {
        ("GET", "forms") => data(json!({
            "flag": 1, "number": "5", "float": "0.5", "set": "b,a", "words": ["x", "y"], "text": "a=1,b=2",
            "object": {"migration": "insecure", "network": "10.0.0.0/8"}, "string": "keep-last=3,keep-daily=2",
            "joined": "one,two", "none": null,
        })),
        ("GET", "differs") => data(json!({"comment": "old", "same": 1, "content": "iso,images"})),
        ("GET", "drives") => data(json!({
            "scsi0": "local-lvm:vm-100-disk-7,backup=0,size=4M", "scsi1": "local-lvm:vm-100-disk-8,size=1G",
        })),
        ("GET", "masked") => data(json!({"password": "**********", "user": "a"})),
        ("GET", "shown") => data(json!({"key": "another"})),
        ("GET", "things/new") => message("500 no such thing", "no such thing 'new'"),
        ("GET", "rules") => data(json!([
            {"pos": 0, "type": "in", "action": "ACCEPT", "proto": "icmp", "source": "10.0.0.0/8", "enable": 1, "digest": "x"},
            {"pos": 1, "type": "in", "action": "ACCEPT", "proto": "icmp", "enable": 0, "icmp-type": "echo-reply"},
            {"pos": 2, "type": "in", "action": "ACCEPT", "proto": "icmp", "ipversion": 4},
            {"pos": 3, "type": "in", "action": "DROP", "icmp-type": "any"},
            {"pos": 4, "type": "in", "action": "DROP", "icmp-type": "redirect"},
        ])),
        ("GET", "rules/1") => data(json!({"pos": 1, "icmp-type": "echo-reply"})),
        ("GET", "rules/2") => data(json!({"pos": 2})),
        ("GET", "rules/0") => data(json!({"a": "1", "pos": "0"})),
        ("GET", "rules/3") => message("500 no rule", "no rule at position 3"),
        ("GET", "maps/new") => message("500 x", "mapping 'new' not found"),
        ("GET", "wrong") => refused(
            "400 Parameter verification failed.",
            json!({"data": null, "message": "Parameter verification failed.\n",
                   "errors": {"x": "property is not defined in schema"}}),
        ),
        ("GET", "moved") => message("500 x", "Configuration file 'nodes/n/qemu-server/1.conf' does not exist"),
        ("GET", "forbidden") => message("403 x", "Permission check failed (/, Sys.Audit)"),
        ("GET", "list") => data(json!([1])),
        ("GET", "page") => Reply::Whole("200 OK".to_owned(), Vec::new(), "<html>".to_owned()),
        ("GET", "elsewhere") => {
            Reply::Whole("301 Moved".to_owned(), vec!["Location: /api2/json/forms".to_owned()], String::new())
        }
        ("GET", "away") if asked_before == 0 => message("595 No route to host", "No route to host"),
        ("GET", "cut") if asked_before == 0 => Reply::Cut("{".to_owned()),
        ("GET", "away" | "cut" | "task" | "failing" | "warned") => data(json!({"a": 1})),
        ("GET", path) if path.starts_with("echo") => data(json!({"a": 1})),
        ("PUT" | "POST", "rights") if request.body.contains("args") => {
            message("500 x", "only root can set 'args' config")
        }
        ("GET", "rights" | "unnamed") => data(json!({"kvm": 1})),
        ("GET", "rights/new") => message("500 x", "no such thing"),
        ("PUT", "unnamed") if request.body.contains("features") => message(
            "403 x",
            "Permission check failed (changing feature flags (except nesting) is only allowed for root@pam)",
        ),
        ("PUT", "task") => data(json!("UPID:n1:0001:0002:0003:job::root@pam!iac:")),
        ("PUT", "failing") => data(json!("UPID:n1:0001:0002:0003:bad::root@pam:")),
        ("PUT", "warned") => data(json!("UPID:n1:0001:0002:0003:warned::root@pam:")),
        ("PUT", "echo") => refused(
            "400 Parameter verification failed.",
            json!({"data": null, "message": "no\n", "errors": {"password": format!("{CANARY} is too short")}}),
        ),
        ("GET", task) if task.starts_with("nodes/n1/tasks/UPID%3A") && task.ends_with("/status") => {
            let exit = |word: &str| data(json!({"status": "stopped", "exitstatus": word}));
            match task {
                _ if task.contains("bad") => exit("unable to reload"),
                _ if task.contains("warned") => exit("WARNINGS: 1"),
                _ if asked_before == 0 => data(json!({"status": "running"})),
                _ => exit("OK"),
            }
        }
        ("POST" | "PUT", _) => data(Value::Null),
        _ => message("501 x", "not implemented"),
    }
}

fn case(arguments: Value, says: Says, sends: &'static [&'static str]) -> Case {
    Case { arguments, says, sends }
}

/// Settings that the login may not change do not prevent the other settings from being changed.
fn rights() -> Vec<Case> {
    vec![
        case(
            json!({"path": "rights", "values": {"args": "-x", "kvm": 0}, "refused": ["a: b"]}),
            Says::Refused("rights: args: only root can set 'args' config (log in as root@pam", true),
            &[r#"PUT rights {"args": "-x", "kvm": 0}"#, r#"PUT rights {"kvm": 0}"#],
        ),
        case(
            json!({"path": "rights", "values": {"args": "-x", "kvm": 1}, "refused": []}),
            Says::Refused("rights: args: only root can set", false),
            &[r#"PUT rights {"args": "-x"}"#],
        ),
        case(
            json!({"path": "rights", "values": {"args": "-x", "kvm": 0}}),
            Says::Failed("rights: args: only root can set"),
            &[r#"PUT rights {"args": "-x", "kvm": 0}"#, r#"PUT rights {"kvm": 0}"#],
        ),
        case(
            json!({"path": "rights/new", "values": {"args": "-x", "kvm": 0}, "refused": [],
                   "create": {"path": "rights", "values": {"vmid": 1}}}),
            Says::Refused("rights/new: args: only root can set", true),
            &[r#"POST rights {"args": "-x", "kvm": 0, "vmid": 1}"#, r#"POST rights {"kvm": 0, "vmid": 1}"#],
        ),
        // Where Proxmox does not name the key, each is sent by itself.
        case(
            json!({"path": "unnamed", "values": {"features": "fuse=1", "kvm": 0}, "always": {"type": "x"}, "refused": []}),
            Says::Refused("unnamed: features: Permission check failed (changing feature flags", true),
            &[
                r#"PUT unnamed {"type": "x", "features": "fuse=1", "kvm": 0}"#,
                r#"PUT unnamed {"type": "x", "features": "fuse=1"}"#,
                r#"PUT unnamed {"type": "x", "kvm": 0}"#,
            ],
        ),
        case(
            json!({"path": "forbidden", "refused": []}),
            Says::Refused("forbidden: Permission check failed (/, Sys.Audit) (give the login", false),
            &[],
        ),
    ]
}

/// Tasks that find a firewall rule by its content, at whatever position it is now. Each case is a task of one play.
fn rows() -> Vec<Case> {
    let ping = json!({"type": "in", "action": "ACCEPT", "proto": "icmp"});
    let rule = |row: Value, icmp: &str| json!({"path": "rules", "row": row, "values": {"icmp-type": icmp}});
    vec![
        case(rule(ping.clone(), "echo-request"), Says::Changed, &[r#"PUT rules/2 {"icmp-type": "echo-request"}"#]),
        case(rule(ping, "echo-reply"), Says::Same, &[]),
        case(
            rule(json!({"type": "in", "action": "DROP"}), "echo-reply"),
            Says::Failed("2 rows say this: action=DROP, type=in: import again"),
            &[],
        ),
        case(rule(json!({"type": "out"}), "any"), Says::Failed("no row says this: type=out: import again"), &[]),
    ]
}

fn cases() -> Vec<Case> {
    let secret = |path: &str, key: &str, value: &str| json!({"path": path, "secrets": {key: value}});
    let new = |path: &str, list: &str| {
        json!({"path": path, "values": {"comment": "x"}, "secrets": {"password": CANARY, "token": ""},
               "create": {"path": list, "values": {"id": "new"}}})
    };
    let drives = |path: &str| {
        json!({"path": path, "values": {
            "scsi0": "local-lvm:vm-100-disk-0,backup=0,size=1G",
            "scsi1": "local-lvm:vm-100-disk-1,format=raw,ssd=1,size=2G",
        }, "create": {"path": "things", "values": {"vmid": 100}, "instead": {
            "scsi0": "local-lvm:1,backup=0", "scsi1": "local-lvm:2,ssd=1",
        }}})
    };
    vec![
        case(
            json!({"path": "forms", "sets": ["set"], "values": {
                "flag": true, "number": 5, "float": "0.5", "set": "a;b", "words": ["x", "y"], "text": "a=1,b=2",
                "object": "network=10.0.0.0/8,migration=insecure", "string": {"keep-daily": 2, "keep-last": 3},
                "joined": ["one", "two"],
            }}),
            Says::Same,
            &[],
        ),
        case(
            json!({"path": "forms", "values": {"text": "b=2,a=1"}}),
            Says::Changed,
            &[r#"PUT forms {"text": "b=2,a=1"}"#],
        ),
        case(
            json!({"path": "forms", "values": {"flag": false, "words": ["y", "x"], "object": {"type": "secure", "list": [1, 2]}}}),
            Says::Changed,
            &[r#"PUT forms {"flag": 0, "object": "list=1;2,type=secure", "words": ["y", "x"]}"#],
        ),
        case(
            json!({"path": "differs", "values": {"comment": "new {{ '{{' }} x", "same": 1, "content": "images,iso"},
                   "sets": ["content"], "always": {"type": "dir"}}),
            Says::Changed,
            &[r#"PUT differs {"type": "dir", "comment": "new {{ x"}"#],
        ),
        case(secret("masked", "password", CANARY), Says::Same, &[]),
        case(
            json!({"path": "masked", "values": {"user": "b"}, "secrets": {"password": CANARY}}),
            Says::Changed,
            &[r#"PUT masked {"user": "b", "password": "CANARY-of-a-secret"}"#],
        ),
        case(secret("shown", "key", ""), Says::Same, &[]),
        case(secret("shown", "key", "another"), Says::Same, &[]),
        case(secret("shown", "key", CANARY), Says::Changed, &[r#"PUT shown {"key": "CANARY-of-a-secret"}"#]),
        case(
            new("things/new", "things"),
            Says::Changed,
            &[r#"POST things {"comment": "x", "password": "CANARY-of-a-secret", "id": "new"}"#],
        ),
        case(
            json!({"path": "rules/3", "values": {"a": 1}, "create": {"path": "rules", "values": {"pos": 3}}}),
            Says::Changed,
            &[r#"POST rules {"a": 1, "pos": 3}"#, r#"PUT rules/0 {"moveto": 4}"#],
        ),
        case(json!({"path": "maps/new", "create": {"path": "maps"}}), Says::Changed, &["POST maps {}"]),
        // A volume has another name by now; what is said beside it counts.
        case(drives("drives"), Says::Changed, &[r#"PUT drives {"scsi1": "local-lvm:vm-100-disk-8,ssd=1,size=1G"}"#]),
        case(
            drives("things/new"),
            Says::Changed,
            &[r#"POST things {"scsi0": "local-lvm:1,backup=0", "scsi1": "local-lvm:2,ssd=1", "vmid": 100}"#],
        ),
        case(json!({"path": "things/new", "values": {"a": 1}}), Says::Failed("things/new: no such thing 'new'"), &[]),
        case(new("wrong", "things"), Says::Failed("x: property is not defined in schema"), &[]),
        case(json!({"path": "moved"}), Says::Failed("import again"), &[]),
        case(json!({"path": "forbidden"}), Says::Failed("(/, Sys.Audit) (give the login the privilege"), &[]),
        case(json!({"path": "list"}), Says::Failed("no object with keys"), &[]),
        case(json!({"path": "page"}), Says::Failed("is PROXMOX_VE_ENDPOINT a node"), &[]),
        case(json!({"path": "elsewhere"}), Says::Failed("elsewhere: "), &[]),
        case(json!({"path": "away", "values": {"a": "1"}}), Says::Same, &[]),
        case(json!({"path": "cut", "values": {"a": "1"}}), Says::Same, &[]),
        case(json!({"path": "task", "values": {"a": 2}}), Says::Changed, &[r#"PUT task {"a": 2}"#]),
        case(json!({"path": "warned", "values": {"a": 2}}), Says::Changed, &[r#"PUT warned {"a": 2}"#]),
        case(
            json!({"path": "failing", "values": {"a": 2}}),
            Says::Failed("unable to reload"),
            &[r#"PUT failing {"a": 2}"#],
        ),
        case(
            json!({"path": "echo", "values": {"a": 2}, "secrets": {"password": CANARY}}),
            Says::Failed("is too short"),
            &[r#"PUT echo {"a": 2, "password": "CANARY-of-a-secret"}"#],
        ),
        case(json!({"path": "cluster/sdn", "state": "applied"}), Says::Changed, &["PUT cluster/sdn {}"]),
        case(json!({"path": "forms", "endpoint": "http://127.0.0.1:1/"}), Says::Failed("no https:// address"), &[]),
        case(json!({"path": "forms", "endpoint": "127.0.0.1:1"}), Says::Failed("that the node is up"), &[]),
        case(json!({"path": "forms", "ca_path": "/dev/null"}), Says::Failed("PROXMOX_MPC_CA_FILE"), &[]),
    ]
}

/// A server on a runtime of its own, and the environment that leads to it.
struct Stub {
    server: Server,
    authority: tempfile::NamedTempFile,
    _runtime: Runtime,
}

impl Stub {
    fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let seen = std::sync::Mutex::new(std::collections::BTreeMap::<String, AtomicUsize>::new());
        let server = runtime.block_on(Server::start(move |_, request| {
            let seen = seen.lock().unwrap().entry(request.target.clone()).or_default().fetch_add(1, Ordering::SeqCst);
            answer(request, seen)
        }));
        let authority = tempfile::NamedTempFile::new().unwrap();
        fs::write(authority.path(), &server.pem).unwrap();
        Self { server, authority, _runtime: runtime }
    }

    fn reached(&self, program: Invocation) -> Invocation {
        program
            .env("PROXMOX_VE_ENDPOINT", format!("https://{}/api2/json/", self.server.address))
            .env("PROXMOX_MPC_CA_FILE", self.authority.path().to_str().unwrap())
            .env("PROXMOX_VE_INSECURE", "")
    }

    /// Requests that change something: `PUT path body`.
    fn orders(&self) -> Vec<String> {
        let requests = self.server.requests().into_iter().filter(|request| request.method != "GET");
        let orders = requests.map(|Request { method, target, body, .. }| {
            format!("{method} {} {body}", target.trim_start_matches("/api2/json/"))
        });
        orders.collect()
    }
}

/// A folder with the module and a playbook that runs it with each of these arguments.
fn play(arguments: &[&Value]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let module = include_str!("../../generators/src/ansible/proxmox_object.py");
    fs::create_dir(at("library")).unwrap();
    fs::write(at("library/proxmox_object.py"), module).unwrap();
    fs::write(at("ansible.cfg"), "[defaults]\nlibrary = library\n").unwrap();
    let tasks: Vec<Value> = arguments
        .iter()
        .enumerate()
        .map(|(index, arguments)| json!({"name": format!("Case {index}"), "proxmox_object": arguments, "ignore_errors": true}))
        .collect();
    let vars = json!({"ansible_pipelining": true, "ansible_python_interpreter": "{{ ansible_playbook_python }}"});
    let play =
        json!([{"hosts": "localhost", "connection": "local", "gather_facts": false, "vars": vars, "tasks": tasks}]);
    fs::write(at("play.yml"), play.to_string()).unwrap();
    folder
}

/// Results of the tasks, with the whole output.
fn results(
    ansible: &Ansible,
    folder: &Path,
    stub: &Stub,
    login: &[(&str, &str)],
    arguments: &[&str],
) -> (Vec<Value>, Ran) {
    let program =
        stub.reached(ansible.program("ansible-playbook", folder)).env("ANSIBLE_STDOUT_CALLBACK", "ansible.posix.json");
    let program = login.iter().fold(program, |program, (name, value)| program.env(*name, *value));
    let ran = ran_in(program, &[&["--inventory", "localhost,", "play.yml", "--diff"], arguments].concat());
    // Behind what `-vvv` says.
    let start = format!("\n{}", ran.output).rfind("\n{").unwrap_or_default();
    let document = serde_json::Deserializer::from_str(&ran.output[start..]).into_iter::<Value>().next();
    let document = document.and_then(Result::ok).unwrap_or_else(|| panic!("{}{}", ran.output, ran.errors));
    let tasks = document["plays"][0]["tasks"].as_array().unwrap();
    (tasks.iter().map(|task| task["hosts"]["localhost"].clone()).collect(), ran)
}

const TOKEN: [(&str, &str); 1] = [("PROXMOX_VE_API_TOKEN", "root@pam!iac=CANARY-of-a-secret")];

#[test]
fn what_differs_is_sent_and_nothing_else() {
    let ansible = or_skip!(Ansible::find());
    let cases: Vec<Case> = cases().into_iter().chain(rights()).chain(rows()).collect();
    let folder = play(&cases.iter().map(|case| &case.arguments).collect::<Vec<_>>());
    let check = |arguments: &[&str], dry: bool| {
        let stub = Stub::start(answer);
        let (results, ran) = results(&ansible, folder.path(), &stub, &TOKEN, arguments);
        for (case, result) in cases.iter().zip(&results) {
            let path = &case.arguments["path"];
            let (changed, message) = (result["changed"] == true, result["msg"].as_str().unwrap_or_default());
            match case.says {
                Says::Same => assert!(!changed && message.is_empty(), "{path}: {result}"),
                Says::Changed if dry && case.arguments["state"] == "applied" => assert!(!changed, "{path}: {result}"),
                Says::Changed => assert!(changed && message.is_empty(), "{path}: {result}"),
                // What fails when it is sent is not known before.
                Says::Failed(_) | Says::Refused(..) if dry && !case.sends.is_empty() => {
                    assert!(changed, "{path}: {result}");
                }
                Says::Refused(part, rest) => {
                    assert_eq!(changed, rest, "{path}: {result}");
                    assert!(result["refused"][0].as_str().unwrap().contains(part), "{path}: {result}");
                    let fact = result["ansible_facts"]["proxmox_refused"].as_array().unwrap();
                    let before = case.arguments["refused"].as_array().unwrap();
                    assert_eq!((fact.len(), &fact[..before.len()]), (before.len() + 1, &before[..]), "{path}");
                }
                Says::Failed(part) => assert!(result["failed"] == true && message.contains(part), "{path}: {result}"),
            }
        }
        let sent: Vec<&str> = cases.iter().flat_map(|case| case.sends.iter().copied()).collect();
        assert_eq!(stub.orders(), if dry { Vec::new() } else { sent });
        for stream in [&ran.output, &ran.errors] {
            assert!(!stream.contains(CANARY), "{stream}");
        }
        let token = "PVEAPIToken=root@pam!iac=CANARY-of-a-secret";
        assert!(stub.server.requests().iter().all(|request| request.header("authorization") == token));
    };
    check(&["-vvv"], false);
    check(&["--check"], true);
}

#[test]
fn a_password_gets_a_ticket() {
    let ansible = or_skip!(Ansible::find());
    let login = |ticket: Value| {
        move |request: &Request, asked_before: usize| match request.target.as_str() {
            "/api2/json/access/ticket" => Reply::ok(&json!({"data": ticket}).to_string()),
            _ => answer(request, asked_before),
        }
    };
    let ticket = json!({"ticket": "PVE:root@pam:6A::a+b/c==", "CSRFPreventionToken": "6A:csrf"});
    let stub = Stub::start(login(ticket));
    let folder = play(&[&json!({"path": "differs", "values": {"comment": "new"}})]);
    let user = [("PROXMOX_VE_USERNAME", "root@pam"), ("PROXMOX_VE_PASSWORD", CANARY)];
    let (tasks, ran) = results(&ansible, folder.path(), &stub, &user, &["-vvv"]);
    assert_eq!(tasks[0]["changed"], true, "{tasks:?}");
    assert!(!ran.output.contains(CANARY) && !ran.output.contains("6A::a"), "{}", ran.output);
    let requests = stub.server.requests();
    assert_eq!(requests[0].body, r#"{"username": "root@pam", "password": "CANARY-of-a-secret"}"#);
    for request in &requests[1..] {
        assert_eq!(request.header("cookie"), "PVEAuthCookie=PVE%3Aroot%40pam%3A6A%3A%3Aa%2Bb%2Fc%3D%3D");
        assert_eq!(request.header("csrfpreventiontoken"), "6A:csrf");
    }
    let second = Stub::start(login(json!({"ticket": "PVE:!tfa!x", "CSRFPreventionToken": "x", "NeedTFA": 1})));
    let (tasks, _) = results(&ansible, folder.path(), &second, &user, &[]);
    assert!(tasks[0]["msg"].as_str().unwrap().contains("use an API token"), "{tasks:?}");
    let (tasks, _) = results(&ansible, folder.path(), &stub, &user[..1], &[]);
    assert!(tasks[0]["msg"].as_str().unwrap().contains("neither a token nor a password"), "{tasks:?}");
}
