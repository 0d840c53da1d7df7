//! The layers of settings: which one counts, where values come from, and what a file may not say.

use std::collections::BTreeMap;
use std::io;

use secrecy::ExposeSecret as _;

use super::*;
use crate::operation::fault::{Fault, FaultKind};

const TOKEN: &str = "root@pam!iac=11111111-2222-3333-4444-555555555555";

/// Resolves in a made-up world: these options and variables, a file for each path that starts with `/`, and commands that
/// print their own words. The workspace is `/lab`, the user's home `/home`.
fn resolved(options: &[&str], environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    in_files(options, environment, &[], |layers, world| layers?.settings(world))
}

/// The same with settings files by path.
fn in_files<T>(
    options: &[&str],
    environment: &[(&str, &str)],
    files: &[(&str, &str)],
    work: impl FnOnce(Result<Layers, SettingsError>, &World<'_>) -> T,
) -> T {
    let environment: BTreeMap<&str, &str> = environment.iter().copied().chain([("HOME", "/home")]).collect();
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let world = World {
        context: None,
        variable: &|name| environment.get(name).map(ToString::to_string),
        read: &|path| match path.to_str().unwrap() {
            "/token" => Ok(format!("{TOKEN}\n")),
            "/password" | "/lab/.proxmox-mpc/password" => Ok("from file\r\n".to_owned()),
            "/empty" => Ok("\n".to_owned()),
            path => files.get(path).map(ToString::to_string).ok_or_else(|| io::ErrorKind::NotFound.into()),
        },
        run: &|words| match words {
            [program, rest @ ..] if program == "print" => Ok(format!("{}\n", rest.join(" "))),
            _ => Err("no such program".into()),
        },
    };
    work(Layers::read(connection(options), Some(&Workspace::at("/lab")), &world), &world)
}

/// The connection of a command line.
fn connection(options: &[&str]) -> Connection {
    let mut connection = Connection::default();
    let mut words = options.iter().map(ToString::to_string);
    while let Some(option) = words.next() {
        let mut value = || words.next().unwrap();
        match option.as_str() {
            "--endpoint" => connection.endpoints.push(value()),
            "--username" => connection.username = Some(value()),
            "--api-token-file" => connection.api_token_file = Some(value().into()),
            "--api-token-command" => connection.api_token_command = Some(value()),
            "--password-file" => connection.password_file = Some(value().into()),
            "--password-command" => connection.password_command = Some(value()),
            "--ca-file" => connection.ca_file = Some(value().into()),
            "--fingerprint" => connection.fingerprints.push(value()),
            "--insecure" => connection.insecure = true,
            "--min-tls" => connection.min_tls = Some(value()),
            other => panic!("{other}"),
        }
    }
    connection
}

/// The login of the settings, with its secret.
fn login(settings: &Settings) -> String {
    let (kind, secret) = match &settings.credentials {
        Credentials::Token { secret, .. } => ("token", secret),
        Credentials::Ticket { ticket, .. } => ("ticket", ticket),
        Credentials::Password { password, .. } => ("password", password),
    };
    format!("{kind} {} {}", settings.credentials.login(), secret.expose_secret())
}

#[test]
fn options_win_over_the_environment() {
    let environment = [
        ("PROXMOX_VE_ENDPOINT", "https://pve1.example:8006/, pve2.example,pve2.example"),
        ("PROXMOX_VE_API_TOKEN", TOKEN),
        ("PROXMOX_VE_PASSWORD", "from environment"),
        ("PROXMOX_VE_INSECURE", "true"),
        ("PROXMOX_VE_MIN_TLS", "1.2"),
    ];
    let check = |options: &[&str], endpoints: &[&str], expected: &str| {
        let settings = resolved(options, &environment).unwrap();
        let found: Vec<String> = settings.endpoints.iter().map(ToString::to_string).collect();
        assert_eq!(found, endpoints, "{options:?}");
        assert_eq!(login(&settings), expected, "{options:?}");
        assert_eq!(settings.min_tls, MinimumTls::V12);
    };
    let both = ["https://pve1.example:8006/", "https://pve2.example:8006/"];
    let token = "token root@pam!iac 11111111-2222-3333-4444-555555555555";
    check(&[], &both, token);
    check(&["--endpoint", "10.0.0.1"], &["https://10.0.0.1:8006/"], token);
    check(&["--api-token-command", "print 'a@pve!b=1'"], &both, "token a@pve!b 1");
    check(&["--username", "alice@pve"], &both, "password alice@pve from environment");
    check(&["--username", "alice@pve", "--password-file", "/password"], &both, "password alice@pve from file");
    check(&["--username", "a@pve", "--password-command", "print 'two  words'"], &both, "password a@pve two  words");
}

#[test]
fn the_environment_alone_is_enough() {
    let check = |environment: &[(&str, &str)], expected: &str| {
        let environment = [&[("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
        assert_eq!(login(&resolved(&[], &environment).unwrap()), expected);
    };
    let password = ("PROXMOX_VE_PASSWORD", "secret");
    let user = ("PROXMOX_VE_USERNAME", "root@pam");
    let ticket = ("PROXMOX_VE_AUTH_TICKET", "PVE:alice@pve:6B038E50::e1==");
    check(&[user, password], "password root@pam secret");
    check(&[user, password, ticket], "ticket alice@pve PVE:alice@pve:6B038E50::e1==");
    let token = "token root@pam!iac 11111111-2222-3333-4444-555555555555";
    check(&[user, password, ticket, ("PROXMOX_MPC_API_TOKEN_FILE", "/token")], token);
    check(&[("PROXMOX_VE_API_TOKEN", ""), user, password], "password root@pam secret");
}

#[test]
fn trust_is_the_strictest_word_of_the_uppermost_layer() {
    let pin = "AB".repeat(32);
    let check = |options: &[&str], environment: &[(&str, &str)], expected: Trust| {
        let environment = [&[("PROXMOX_VE_API_TOKEN", TOKEN), ("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
        assert_eq!(resolved(options, &environment).unwrap().trust, expected);
    };
    let insecure = ("PROXMOX_VE_INSECURE", "1");
    let pinned = Trust::Pinned(vec![pin.parse().unwrap()]);
    check(&[], &[], Trust::System);
    check(&[], &[insecure], Trust::Insecure);
    check(&[], &[insecure, ("PROXMOX_MPC_FINGERPRINT", &pin)], pinned.clone());
    check(&["--fingerprint", &pin], &[insecure], pinned);
    check(&["--insecure"], &[("PROXMOX_MPC_FINGERPRINT", &pin)], Trust::Insecure);
    let authorities = Trust::Authorities { file: "/password".into(), pem: "from file\r\n".to_owned() };
    check(&["--ca-file", "/password"], &[insecure], authorities);
}

#[test]
fn what_is_wrong_is_said_without_a_secret() {
    let check = |options: &[&str], environment: &[(&str, &str)], expected: &str, kind: FaultKind| {
        let error = resolved(options, environment).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), kind, "{expected}");
        assert!(!format!("{error:?} {:?}", error.hints()).contains("CANARY"), "{error:?}");
    };
    let token = ("PROXMOX_VE_API_TOKEN", TOKEN);
    let pve = ("PROXMOX_VE_ENDPOINT", "pve");
    let user = ("PROXMOX_VE_USERNAME", "root");
    let usage = FaultKind::Usage;
    check(&[], &[token], "no Proxmox endpoint was given", usage);
    check(&["--endpoint", "http://pve"], &[token], "`http://pve` is not a URL of a Proxmox node", usage);
    check(&["--endpoint", "https://a:CANARY@pve"], &[token], "`pve` is not a URL of a Proxmox node", usage);
    check(&[], &[pve], "no credentials were given", usage);
    let shape = "the API token does not have the form USER@REALM!NAME=UUID";
    check(&[], &[pve, ("PROXMOX_VE_API_TOKEN", "CANARY")], shape, usage);
    check(&[], &[pve, ("PROXMOX_VE_PASSWORD", "CANARY")], "a password was given, but no user name", usage);
    check(&[], &[pve, user], "the user name `root` lacks its realm", usage);
    check(&["--username", "a@pve"], &[pve], "no password was given for `a@pve`", usage);
    check(&["--min-tls", "2"], &[pve, token], "`2` is not a version of TLS", usage);
    check(&["--fingerprint", "AB:CD"], &[pve, token], "`AB:CD` is not a fingerprint", usage);
    let insecure = ("PROXMOX_VE_INSECURE", "maybe");
    check(&[], &[pve, token, insecure], "PROXMOX_VE_INSECURE is neither `true` nor `false`", usage);
    check(&["--api-token-file", "/none"], &[pve], "cannot read /none", FaultKind::Failed);
    check(&["--api-token-file", "/empty"], &[pve], "the secret from /empty is empty", FaultKind::Failed);
    let program = "the command `pass` did not print a secret";
    check(&["--api-token-command", "pass show x"], &[pve], program, FaultKind::Failed);
    let quotes = "`print 'x` is not a command: its quotes do not match, or it is empty";
    check(&["--api-token-command", "print 'x"], &[pve], quotes, usage);
}

#[test]
fn settings_are_printed_without_secrets() {
    let check = |environment: &[(&str, &str)]| {
        let environment = [&[("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
        let settings = resolved(&[], &environment).unwrap();
        assert!(!format!("{settings:?} {settings:#?}").contains("CANARY"));
    };
    check(&[("PROXMOX_VE_API_TOKEN", "root@pam!iac=CANARY")]);
    check(&[("PROXMOX_VE_USERNAME", "a@pve"), ("PROXMOX_VE_PASSWORD", "CANARY"), ("PROXMOX_VE_OTP", "CANARY")]);
    check(&[("PROXMOX_VE_AUTH_TICKET", "PVE:a@pve:1::CANARY"), ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "CANARY")]);
}

const USER: &str = "/home/.config/proxmox-mpc/config.toml";
const WORKSPACE: &str = "/lab/proxmox-mpc.toml";

#[test]
fn a_layer_wins_over_those_below_it() {
    let workspace = "endpoints = ['pve1', 'pve2']\nmin_tls = '1.2'\ntimeout = 5\nconcurrency = 4\n";
    let user =
        "endpoints = ['mine']\napi_token_file = '/token'\nca_file = '/password'\ntimeout = 7\nterraform = 'tofu'\n";
    let check = |options: &[&str], environment: &[(&str, &str)], expected: &str| {
        let files = [(WORKSPACE, workspace), (USER, user)];
        let settings = in_files(options, environment, &files, |layers, world| layers?.settings(world)).unwrap();
        let hosts: Vec<&str> = settings.endpoints.iter().map(Endpoint::host).collect();
        let timeout = settings.timeout.unwrap().as_secs();
        let trust = settings.trust == Trust::Authorities { file: "/password".into(), pem: "from file\r\n".to_owned() };
        assert_eq!(
            format!("{} {} {timeout} {trust}", hosts.join(","), settings.credentials.login()),
            expected,
            "{options:?} {environment:?}"
        );
        assert_eq!(settings.min_tls, MinimumTls::V12);
    };
    let token = ("PROXMOX_VE_API_TOKEN", "a@pve!b=1");
    check(&[], &[], "pve1,pve2 root@pam!iac 5 true");
    check(&["--endpoint", "pve9"], &[], "pve9 root@pam!iac 5 true");
    check(&[], &[("PROXMOX_VE_ENDPOINT", "pve8"), token], "pve8 a@pve!b 5 true");
    check(&["--insecure"], &[token], "pve1,pve2 a@pve!b 5 false");
    check(&[], &[("PROXMOX_VE_INSECURE", "false")], "pve1,pve2 root@pam!iac 5 true");
}

#[test]
fn no_layer_below_turns_a_check_off_that_one_above_turns_on() {
    let check = |variable: &str, expected: Trust| {
        let environment =
            [("PROXMOX_VE_API_TOKEN", TOKEN), ("PROXMOX_VE_ENDPOINT", "pve"), ("PROXMOX_VE_INSECURE", variable)];
        let files = [(USER, "insecure = true")];
        let settings = in_files(&[], &environment, &files, |layers, world| layers?.settings(world)).unwrap();
        assert_eq!(settings.trust, expected, "{variable}");
    };
    check("", Trust::Insecure);
    check("false", Trust::System);
}

#[test]
fn each_value_has_its_source() {
    let files = [(WORKSPACE, "endpoints = ['pve1']\nca_file = 'ca.pem'\n"), (USER, "terraform = './bin/tofu'\n")];
    let environment = [("PROXMOX_VE_PASSWORD", "CANARY"), ("PROXMOX_VE_MIN_TLS", "1.2")];
    let resolved = in_files(&["--username", "a@pve"], &environment, &files, |layers, _| layers.unwrap().resolved());
    let check = |name: &str, value: Option<Value>, source: Source| {
        let found = resolved.iter().find(|resolved| resolved.name == name).unwrap();
        assert_eq!((&found.value, &found.source), (&value, &source), "{name}");
    };
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let path = |text: &str| Some(Value::Path(text.into()));
    let variable = |name: &str| Source::Environment { variable: name.to_owned() };
    let (workspace, user) = (Source::Workspace { path: WORKSPACE.into() }, Source::User { path: USER.into() });
    check("username", text("a@pve"), Source::Option);
    check("min_tls", text("1.2"), variable("PROXMOX_VE_MIN_TLS"));
    check("password", None, variable("PROXMOX_VE_PASSWORD"));
    check("endpoints", Some(Value::List(vec!["pve1".to_owned()])), workspace.clone());
    check("ca_file", path("/lab/ca.pem"), workspace);
    check("terraform", path("/home/.config/proxmox-mpc/./bin/tofu"), user);
    check("timeout", Some(Value::Number(60)), Source::Default);
    check("insecure", Some(Value::Switch(false)), Source::Default);
    assert!(!format!("{resolved:?} {}", serde_json::to_string(&resolved).unwrap()).contains("CANARY"));
}

/// The message and the first hint of a file that is refused, without the secrets in it.
fn refused(file: &str, text: &str) -> String {
    let error = in_files(&[], &[], &[(file, text)], |layers, _| layers.map(drop)).unwrap_err();
    let said = format!("{error} | {}", error.hints().first().cloned().unwrap_or_default());
    assert!(!format!("{error:?} {said}").contains("CANARY"), "{said}");
    assert_eq!(error.kind(), FaultKind::Usage, "{said}");
    said.replace(WORKSPACE, "W").replace(USER, "U")
}

#[test]
fn a_file_with_an_unknown_key_a_secret_or_another_form_is_refused() {
    let check = |text: &str, expected: &str| assert_eq!(refused(USER, text), expected);
    check("endpoint = 'pve'", "`endpoint` in `U` is not a setting | Did you mean `endpoints`?");
    check("[connection]\n", "`connection` in `U` is not a setting | The page docs/settings.md lists all settings.");
    check(
        "password = 'CANARY'",
        "`password` in `U` is a secret, and secrets do not belong in settings files | Set PROXMOX_VE_PASSWORD, or name a \
         file with mode 0600 as `password_file`, or a command as `password_command`.",
    );
    check("endpoints = 'pve'", "`endpoints` in `U` has to be an array of texts, as in `[\"a\", \"b\"]` | ");
    check("timeout = 0", "`timeout` in `U` has to be a whole number, at least 1 | ");
    check("concurrency = '16'", "`concurrency` in `U` has to be a whole number from 1 to 256 | ");
    check("username = ''", "`username` in `U` has to be a text in quotes, and not an empty one | ");
    assert!(refused(USER, "a = 1\napi_token = CANARY").starts_with("line 2 of `U` is not TOML: "));
}

/// A workspace may come from somebody else.
#[test]
fn a_workspace_starts_no_program_turns_no_check_off_and_reads_no_secret_of_the_user() {
    let mine = [
        "api_token_command = 'print x'",
        "password_command = 'print x'",
        "terraform = './terraform'",
        "ansible_playbook = 'x'",
        "insecure = true",
    ];
    for text in mine {
        let said = refused(WORKSPACE, text);
        assert!(said.contains("` in `W` is not taken from a workspace, which may come from somebody else"), "{said}");
        in_files(&[], &[], &[(USER, text)], |layers, _| layers.map(drop)).unwrap();
    }
    for path in ["/token", "../token", "a/../../token"] {
        let said = refused(WORKSPACE, &format!("password_file = '{path}'"));
        assert!(said.starts_with("`password_file` in `W` names a file outside of the workspace"), "{said}");
    }
    let files = [(WORKSPACE, "username = 'a@pve'\nendpoints = ['pve']\npassword_file = '.proxmox-mpc/password'")];
    let settings = in_files(&[], &[], &files, |layers, world| layers?.settings(world)).unwrap();
    assert_eq!(login(&settings), "password a@pve from file");
}
#[test]
fn a_link_does_not_lead_a_secret_out_of_the_workspace() {
    let parent = tempfile::tempdir().unwrap();
    let lab = parent.path().join("lab");
    fs::create_dir(&lab).unwrap();
    fs::write(parent.path().join("key"), "CANARY").unwrap();
    fs::write(lab.join("password"), "mine").unwrap();
    std::os::unix::fs::symlink("../key", lab.join("link")).unwrap();
    let check = |name: &str, expected: bool| {
        fs::write(lab.join("proxmox-mpc.toml"), format!("password_file = '{name}'")).unwrap();
        let world = World {
            context: None,
            variable: &|_| None,
            read: &|path| fs::read_to_string(path),
            run: &|_| Err("no programs".into()),
        };
        let layers = Layers::read(Connection::default(), Some(&Workspace::at(&lab)), &world);
        assert_eq!(layers.is_ok(), expected, "{name}");
    };
    check("password", true);
    check("link", false);
}

#[test]
fn the_users_file_has_its_place() {
    let check = |environment: &[(&str, &str)], expected: Option<&str>| {
        let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
        let world = World {
            context: None,
            variable: &|name| environment.get(name).map(ToString::to_string),
            read: &|_| Err(io::ErrorKind::NotFound.into()),
            run: &|_| Err("no programs".into()),
        };
        assert_eq!(file::user(&world), expected.map(PathBuf::from));
    };
    check(&[], None);
    check(&[("HOME", "/home")], Some("/home/.config/proxmox-mpc/config.toml"));
    check(&[("HOME", "/home"), ("XDG_CONFIG_HOME", "/x")], Some("/x/proxmox-mpc/config.toml"));
    check(&[("HOME", "/home"), ("XDG_CONFIG_HOME", "x")], Some("/home/.config/proxmox-mpc/config.toml"));
}
