//! Set-up of a workspace: what the program asks, tests, writes and says, with a twin as the cluster.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_twin::server::{Options, Twin, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::{Reply, Server};
use crate::support;
use crate::support::clusters::place;
use crate::support::program::{PROGRAM, Ran, ran_in};

/// A twin, and a home without anything in it.
struct Stage {
    folder: TempDir,
    runtime: Runtime,
    twin: Option<Twin>,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let credentials = Credentials::fresh();
        let token = credentials.token().unwrap().expose_secret().to_owned();
        let twin = {
            let _inside = runtime.enter();
            let recording = Recording::open(&place("pve-9.1.tar.zst")).unwrap();
            serve(Arc::new(recording), Options::new(credentials)).unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, runtime, twin: Some(twin), token }
    }

    fn twin(&self) -> &Twin {
        self.twin.as_ref().unwrap()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// The program without the settings of whoever runs the tests, in the folder of the stage.
    fn program(&self) -> Invocation {
        let home = self.at("home").display().to_string();
        let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_").withhold("PROXMOX_MPC_").withhold("XDG_");
        program.withhold("GIT_").env("HOME", home).env("USER", "alice").folder(self.folder.path())
    }

    /// Runs the program; with the twin's token in the environment if `login` is true.
    fn ran(&self, login: bool, arguments: &[&str]) -> Ran {
        let program = self.program();
        let program = if login { program.secret("PROXMOX_VE_API_TOKEN", self.token.clone().into()) } else { program };
        ran_in(program, arguments)
    }

    /// Every file below the stage, but for git's objects.
    fn files(&self) -> Vec<(String, String)> {
        let files = support::workspaces::bytes(self.folder.path()).into_iter();
        files.map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(twin) = self.twin.take() {
            self.runtime.block_on(twin.stop());
        }
    }
}

/// The whole screen, where the output names the fingerprint and the port.
#[test]
fn a_workspace_is_set_up_without_questions() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let lab = ["init", "lab", "--endpoint", &endpoint, "--yes"];
    let runs = [
        stage.ran(false, &["init", "lab"]),
        stage.ran(true, &lab[..4]),
        stage.ran(true, &lab),
        stage.ran(true, &["init", "lab", "--yes"]),
        stage.ran(true, &["init", "lab"]),
        stage.ran(true, &["-q", "init", "lab", "--yes"]),
    ];
    support::screen("init", runs);
    for name in ["lab/.gitignore", "lab/README.md", "lab/proxmox-mpc.toml"] {
        assert!(!stage.text(name).contains(&stage.token), "{name}");
    }
    let settings = support::filtered(&stage.text("lab/proxmox-mpc.toml"));
    support::snapshot(
        "init_settings",
        &format!("{settings}\n{}\n{}", stage.text("lab/.gitignore"), stage.text("lab/README.md")),
    );
    let repository = ran_in(Invocation::new("git").folder(stage.at("lab")), &["log", "--format=%an %s", "--name-only"]);
    assert_eq!(
        repository.output,
        "alice A workspace for a Proxmox VE cluster\n\n.gitignore\nREADME.md\nmanifest.json\nproxmox-mpc.toml\n"
    );
    // Not in the log either, whoever asks for all of it.
    let ran = stage.ran(true, &["-vv", "init", "lab", "--yes"]);
    let secret = stage.token.rsplit_once('=').unwrap().1;
    assert!(ran.errors.contains("answered") && !ran.errors.contains(secret), "{}", ran.errors);
    // The next command finds everything, and replaces the page by its own.
    let ran = stage.ran(true, &["import", "--out", "lab", "--only", "kind=pool"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(stage.text("lab/README.md").contains("`proxmox-mpc import` wrote this folder"));
}

/// The page and the list of ignored files that the set-up wrote are no conflicts, edited or not.
#[test]
fn the_first_sync_goes_on_from_a_set_up() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let git = |arguments: &[&str]| ran_in(Invocation::new("git").folder(stage.at("lab")), arguments);
    for is_edited in [false, true] {
        assert_eq!(stage.ran(true, &["init", "lab", "--endpoint", &endpoint, "--yes"]).code, Some(0));
        if is_edited {
            for name in ["lab/README.md", "lab/.gitignore"] {
                fs::write(stage.at(name), stage.text(name) + "mine\n").unwrap();
            }
            let ran = git(&["-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "-q", "-a", "-m", "mine"]);
            assert_eq!(ran.code, Some(0), "{}", ran.errors);
        }
        let ignored = stage.text("lab/.gitignore");
        let ran = stage.ran(true, &["sync", "lab"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
        assert_eq!(git(&["status", "--porcelain"]).output, "");
        assert_eq!(stage.text("lab/.gitignore"), ignored);
        assert_eq!(stage.text("lab/README.md").ends_with("mine\n"), is_edited);
        let ran = stage.ran(true, &["sync", "lab"]);
        assert!(ran.output.contains("up to date"), "{}{}", ran.output, ran.errors);
        fs::remove_dir_all(stage.at("lab")).unwrap();
    }
}

#[test]
fn a_settings_file_keeps_what_people_wrote() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let short = endpoint.trim_start_matches("https://").trim_end_matches('/');
    fs::create_dir(stage.at("lab")).unwrap();
    let before = format!("# the lab\nendpoints = [\n  '{short}', # the first node\n]\ntimeout = 30 # slow\n");
    fs::write(stage.at("lab/proxmox-mpc.toml"), &before).unwrap();
    fs::write(stage.at("lab/README.md"), "mine\n").unwrap();
    fs::write(stage.at("lab/.gitignore"), "*.swp\n").unwrap();
    let ran = stage.ran(true, &["init", "lab", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let after = stage.text("lab/proxmox-mpc.toml");
    assert_eq!(after, format!("{before}fingerprints = [\"{}\"]\n", stage.twin().fingerprint()));
    assert_eq!(
        (stage.text("lab/README.md"), stage.text("lab/.gitignore")),
        ("mine\n".to_owned(), "*.swp\n".to_owned())
    );
}

/// In a repository that is there nothing is committed; other Terraform beside the workspace is no obstacle there.
#[test]
fn an_existing_repository_is_left_to_its_owner() {
    let stage = Stage::new();
    let git = |arguments: &[&str]| {
        let ran = ran_in(Invocation::new("git").folder(stage.at("infra")), arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        ran.output
    };
    fs::create_dir_all(stage.at("infra/pve")).unwrap();
    git(&["init", "-q"]);
    fs::write(stage.at("infra/pve/main.tf"), "").unwrap();
    let endpoint = stage.twin().endpoint();
    let ran = stage.ran(true, &["init", "infra/pve", "--yes", "--endpoint", &endpoint, "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let report: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(report["repository"]["repository"], "existing");
    assert_eq!(report["trust"]["first_use"], true);
    let status = git(&["status", "--short", "--untracked-files=all"]);
    let expected =
        ["?? pve/.gitignore", "?? pve/README.md", "?? pve/main.tf", "?? pve/manifest.json", "?? pve/proxmox-mpc.toml"];
    assert_eq!(status.lines().collect::<Vec<_>>(), expected);
    // Outside of a repository, a folder with other files is taken for a mistake.
    fs::create_dir(stage.at("home/docs")).unwrap();
    fs::write(stage.at("home/docs/letter.txt"), "").unwrap();
    let refused = stage.ran(true, &["init", "home/docs", "--yes", "--endpoint", &endpoint]);
    let forced = stage.ran(true, &["init", "home/docs", "--yes", "--endpoint", &endpoint, "--force", "--no-git"]);
    assert_eq!((refused.code, forced.code), (Some(2), Some(0)), "{}{}", refused.errors, forced.errors);
    assert!(refused.errors.contains("has files of something else: letter.txt") && refused.errors.contains("`--force`"));
    assert!(!stage.at("home/docs/.git").exists());
}

/// Each failure says what to do next, and leaves nothing behind.
#[test]
fn what_goes_wrong_is_said_before_anything_is_written() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let fingerprint = stage.twin().fingerprint();
    fs::write(stage.at("file"), "").unwrap();
    fs::create_dir(stage.at("locked")).unwrap();
    fs::set_permissions(stage.at("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let other = format!("00:{}", &fingerprint[3..]);
    let wrong = "root@pam!twin=11111111-2222-3333-4444-555555555555";
    let with = |token: &str, arguments: &[&str]| {
        ran_in(stage.program().secret("PROXMOX_VE_API_TOKEN", token.to_owned().into()), arguments)
    };
    let runs = [
        stage.ran(true, &["init", "lab", "--yes", "--endpoint", "127.0.0.1:1"]),
        stage.ran(true, &["init", "lab", "--yes", "--endpoint", "http://pve"]),
        stage.ran(true, &["init", "lab", "--endpoint", &endpoint, "--fingerprint", &other]),
        stage.ran(false, &["init", "lab", "--yes", "--endpoint", &endpoint]),
        stage.ran(true, &["init", "file", "--yes", "--endpoint", &endpoint]),
        with(wrong, &["init", "lab", "--yes", "--endpoint", &endpoint]),
        with("nonsense", &["init", "lab", "--yes", "--endpoint", &endpoint]),
    ];
    support::screen("init_failures", runs);
    assert!(!stage.at("lab").exists());
    // Root may write everywhere.
    if fs::write(stage.at("locked/x"), "").is_err() {
        let ran = stage.ran(true, &["init", "locked", "--yes", "--endpoint", &endpoint]);
        assert!(ran.errors.contains("cannot write into `locked`"), "{}", ran.errors);
    }
}

/// A login with few rights, one with a second factor, and a server that is not a Proxmox node.
#[test]
fn a_login_is_tested_for_each_purpose() {
    let stage = Stage::new();
    let server = |reply: fn(&str) -> Reply| {
        stage.runtime.block_on(Server::start(move |_, request| {
            let no_login = request.header("authorization").is_empty() && request.header("cookie").is_empty();
            if no_login && request.method == "GET" { Reply::unauthorized() } else { reply(&request.target) }
        }))
    };
    let poor = server(|target| {
        Reply::ok(match target {
            "/api2/json/version" => r#"{"data":{"version":"9.1.9"}}"#,
            _ => r#"{"data":{"/":{"VM.Audit":1,"Datastore.Audit":1,"Sys.Audit":1,"Pool.Audit":1}}}"#,
        })
    });
    let empty = server(|target| {
        Reply::ok(if target.ends_with("version") { r#"{"data":{"version":"9.1.9"}}"# } else { r#"{"data":{}}"# })
    });
    let second = server(|_| Reply::ok(r#"{"data":{"username":"a@pve","NeedTFA":1,"ticket":"PVE:!tfa!x"}}"#));
    let web = stage.runtime.block_on(Server::start(|_, _| Reply::json("404 Not Found", "{}")));
    let token = |endpoint: &str, folder: &str| {
        let program = stage.program().secret("PROXMOX_VE_API_TOKEN", "a@pve!b=11111111-2222".to_owned().into());
        ran_in(program, &["init", folder, "--yes", "--no-git", "--endpoint", endpoint])
    };
    let password = stage.program().secret("PROXMOX_VE_PASSWORD", "CANARY".to_owned().into());
    let password =
        ran_in(password, &["init", "d", "--yes", "--username", "a@pve", "--endpoint", &second.endpoint().to_string()]);
    let runs = [
        token(&poor.endpoint().to_string(), "a"),
        token(&empty.endpoint().to_string(), "b"),
        token(&web.endpoint().to_string(), "c"),
        password,
    ];
    support::screen("init_logins", runs);
    assert_eq!(web.requests().iter().filter(|request| !request.header("authorization").is_empty()).count(), 0);
    assert!(!stage.at("c").exists() && !stage.at("d").exists());
}

/// Types answers into a terminal, one after each question, and returns the whole screen.
#[expect(clippy::disallowed_methods, reason = "a terminal needs a process of its own")]
fn typed(stage: &Stage, arguments: &[&str], answers: &[&str]) -> (Option<i32>, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = || fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut child = std::process::Command::new(PROGRAM)
        .args(arguments)
        .current_dir(stage.folder.path())
        .env_clear()
        .env("HOME", stage.at("home"))
        .env("USER", "alice")
        .env("NO_COLOR", "1")
        .env("TERM", "dumb")
        .stdin(open())
        .stdout(Stdio::from(open()))
        .stderr(Stdio::from(open()))
        .spawn()
        .unwrap();
    let mut terminal = fs::File::from(terminal);
    let mut input = terminal.try_clone().unwrap();
    let (parts, screen) = mpsc::channel::<Vec<u8>>();
    // Ends with an error when the program has closed its side.
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = terminal.read(&mut part) {
            if parts.send(part[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let (mut text, mut answers) = (String::new(), answers.iter());
    let code = loop {
        if let Ok(part) = screen.recv_timeout(Duration::from_millis(200)) {
            text.push_str(&String::from_utf8_lossy(&part));
            continue;
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if text.ends_with(": ") {
            let answer = answers.next().unwrap_or_else(|| panic!("another question: {text}"));
            input.write_all(answer.as_bytes()).unwrap();
            // Until the program prints something, the question is answered.
            text.push_str(if answer.ends_with('\n') { "" } else { " " });
            let part = screen.recv_timeout(Duration::from_mins(1)).unwrap_or_default();
            text.push_str(&String::from_utf8_lossy(&part));
        }
    };
    assert_eq!(answers.next(), None, "{text}");
    (code, text.replace('\r', ""))
}

/// The screen without the bars of steps, which come and go.
fn still(stage: &Stage, text: &str) -> String {
    let bar = regex_lite::Regex::new("[^\n]*testing the connection[^\n\u{1b}]*(\u{1b}\\[2K)?").unwrap();
    let escape = regex_lite::Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap();
    let text = escape.replace_all(&bar.replace_all(text, ""), "").into_owned();
    let text = text.replace(stage.folder.path().to_str().unwrap(), "[folder]");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    support::filtered(&lines.join("\n"))
}

#[test]
fn a_person_at_a_terminal_is_asked_and_no_secret_is_shown_or_committed() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let lines = [
        "http://pve\n",
        &format!("{endpoint}\n"),
        "maybe\n",
        "y\n",
        "9\n",
        "1\n",
        "nonsense\n",
        &format!("{}\n", stage.token),
        "\n",
        "n\n",
    ];
    let (code, text) = typed(&stage, &["init", "lab"], &lines);
    assert_eq!(code, Some(0), "{text}");
    let secret = stage.token.rsplit_once('=').unwrap().1;
    assert!(!text.contains(secret), "{text}");
    support::snapshot("screen_init_questions", &still(&stage, &text));
    let file = stage.at("lab/.proxmox-mpc/api-token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for (path, text) in stage.files() {
        assert_eq!(text.contains(secret), Path::new(&path) == file, "{path}");
    }
    let ran = stage.ran(false, &["import", "--out", "lab", "--only", "kind=pool"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let ignored =
        ran_in(Invocation::new("git").folder(stage.at("lab")), &["status", "--short", "--untracked-files=all"]);
    assert!(!ignored.output.contains(".proxmox-mpc"), "{}", ignored.output);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = stage.ran(false, &["import", "--out", "lab", "--only", "kind=pool"]);
    assert!(ran.errors.contains("other users of this computer may read the secret"), "{}", ran.errors);
}

/// A workspace's file starts no command: a context of the user's does, bound to the workspace.
#[test]
fn a_command_for_the_token_goes_into_the_users_file() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    fs::write(stage.at("home/token"), &stage.token).unwrap();
    let command = format!("cat {}", stage.at("home/token").display());
    let (code, text) =
        typed(&stage, &["init", "my lab", "--endpoint", &endpoint], &["yes\n", "3\n", &format!("{command}\n"), "n\n"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!stage.text("my lab/proxmox-mpc.toml").contains("cat"));
    let user = stage.text("home/.config/proxmox-mpc/config.toml");
    assert!(user.starts_with("[contexts.my-lab]\n") && user.contains(&command), "{user}");
    let ran = stage.ran(false, &["import", "--out", "my lab", "--only", "kind=pool"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
}

#[test]
fn a_person_may_stop_at_any_question() {
    let stage = Stage::new();
    let endpoint = stage.twin().endpoint();
    let check = |answers: &[&str], expected: i32, message: &str| {
        let (code, text) = typed(&stage, &["init", "lab", "--endpoint", &endpoint], answers);
        assert_eq!(code, Some(expected), "{text}");
        assert!(text.contains(message), "{text}");
        assert!(!stage.at("lab").exists(), "{text}");
    };
    check(&["n\n"], 1, "is not trusted, and nothing was written");
    // The end of the input: Ctrl-D.
    check(&["\u{4}"], 130, "the question has no answer");
    check(&["y\n", "1\n", "\u{4}"], 130, "the question has no answer");
    let wrong = "root@pam!twin=11111111-2222-3333-4444-555555555555\n";
    check(&["y\n", "1\n", wrong, wrong, wrong], 1, "Proxmox refused the login `root@pam!twin`");
}
