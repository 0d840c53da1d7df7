//! Pages for people: their links lead somewhere, and the rules that messages cite are explained.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use proxmox_mpc::cli::Cli;
use proxmox_mpc_engine::explain;

use crate::support;
use crate::support::program::ran;

/// The pages at the top and in `docs/`.
fn pages() -> Vec<String> {
    let in_docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let in_docs = in_docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let names = in_docs.map(|path| format!("docs/{}", path.file_name().unwrap().to_str().unwrap()));
    let top = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"].map(str::to_owned);
    top.into_iter().chain(names).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Every source file, by its path.
fn sources() -> Vec<(PathBuf, String)> {
    let mut waiting: Vec<PathBuf> = ["code", "engine", "generators", "judges", "model", "src", "tests", "twin"]
        .map(|name| root().join(name))
        .into();
    let mut sources = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests/pages.rs") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push((path, text));
        }
    }
    assert!(sources.len() > 100, "only {} sources", sources.len());
    sources
}

/// The ids after each `before`: `T12` and `C16` of `docs/provider.md, T12 and C16`, a break of a comment in between.
fn cited<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = String> + 't {
    text.match_indices(before).flat_map(move |(start, _)| {
        let rest = text[start + before.len()..].split_whitespace();
        let words = rest.filter(|word| !word.starts_with("//")).map(|word| {
            let (id, last) = word.strip_suffix(',').map_or((word, true), |id| (id, false));
            (id.trim_end_matches([')', '.', ';', ':', '"', '`', '(']), last)
        });
        let mut ids = Vec::new();
        let mut more = true;
        for (word, last) in words {
            let is_id = word.starts_with(|c: char| c.is_ascii_uppercase())
                && word.len() > 1
                && word[1..].bytes().all(|byte| byte.is_ascii_digit());
            match word {
                "and" => more = true,
                id if more && is_id => {
                    ids.push(id.to_owned());
                    more = !last;
                }
                _ => break,
            }
        }
        ids
    })
}

/// Rules are explained by the page, and by the command that the code names.
#[test]
fn every_rule_that_is_cited_is_explained() {
    let page = page("docs/provider.md");
    let explained: BTreeSet<String> = explain::all().into_iter().map(|rule| rule.rule).collect();
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        let before = ["docs/provider.md, ", "provider rule ", "provider rules "];
        for id in before.into_iter().flat_map(|before| cited(&text, before)) {
            let anchor = format!("<a id=\"{}\"></a>{id} |", id.to_lowercase());
            assert!(page.contains(&anchor) && explained.contains(&id), "{}: {id}", path.display());
            found.insert(id);
        }
    }
    assert!(found.len() > 50, "{found:?}");
}

#[test]
fn the_command_explains_what_is_cited() {
    let explain = |arguments: &[&str]| {
        let ran = ran(&[&["explain"], arguments].concat());
        assert_eq!((ran.code, ran.errors.as_str()), (Some(0), ""), "{arguments:?}");
        ran.output
    };
    support::snapshot("explain", &explain(&["t3"]));
    let listed = explain(&[]);
    assert!(explain::all().iter().all(|rule| listed.contains(&format!("\n{} ", rule.rule))), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&explain(&["K1", "--output", "json"])).unwrap();
    assert_eq!(
        (&json["rules"][0]["rule"], &json["rules"][0]["about"]),
        (&"K1".into(), &"Keys without an attribute".into())
    );
    let unknown = ran(&["explain", "k99"]);
    assert_eq!((unknown.code, unknown.output.as_str()), (Some(2), ""));
    assert!(unknown.errors.contains("no rule `k99`") && unknown.errors.contains("K1, K2"), "{}", unknown.errors);
}

#[test]
fn every_fact_that_is_cited_is_told() {
    let page = page("docs/proxmox.md");
    let mut found = 0;
    for (path, text) in sources() {
        for (start, before) in text.match_indices("docs/proxmox.md, \"") {
            let name = text[start + before.len()..].split('"').next().unwrap();
            assert!(page.contains(&format!("\n## {name}\n")), "{}: {name}", path.display());
            found += 1;
        }
    }
    assert!(found > 5, "{found}");
}

/// Anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut code = false;
    let headings = text.lines().filter(|line| {
        code ^= line.starts_with("```");
        !code && line.starts_with('#')
    });
    let anchor = |line: &str| -> String {
        let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title.chars().filter(|c| kept(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for name in pages() {
        let text = page(&name);
        for (start, before) in text.match_indices("](") {
            let link = text[start + before.len()..].split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let here = root().join(&name);
            let target = if file.is_empty() { here } else { here.with_file_name(file) };
            assert!(target.exists(), "{name}: {link}");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let named = text.contains(&format!("<a id=\"{anchor}\"></a>")) || anchors(&text).contains(anchor);
                assert!(named, "{name}: {link}");
            }
        }
    }
}

/// Pages show commands that exist.
#[test]
fn every_command_that_is_shown_is_one() {
    let mut shown = 0;
    for name in pages() {
        let text = page(&name);
        let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        for line in blocks.flat_map(str::lines) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let line = line.split(" #").next().unwrap().split(" > ").next().unwrap();
            let line = line.split(" && ").next().unwrap();
            let Some(arguments) = line
                .strip_prefix("proxmox-mpc ")
                .or_else(|| line.strip_prefix("cargo run --release -- "))
                .filter(|arguments| !arguments.contains('…'))
            else {
                continue;
            };
            let words = shlex::split(arguments).unwrap_or_else(|| panic!("{name}: {line}"));
            let words = std::iter::once("proxmox-mpc".to_owned()).chain(words);
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{name}: {line}\n{error}");
            }
            shown += 1;
        }
    }
    assert!(shown > 25, "only {shown}");
}

/// The README is one page, without words that a newcomer would have to look up.
#[test]
fn the_readme_is_one_page() {
    let words = page("README.md").split_whitespace().count();
    assert!(words <= 1320, "{words} words");
    for name in pages() {
        let text = page(&name);
        for odd in ["set aside", "Set aside", "as it came", "made anew", "make it anew"] {
            assert!(!text.contains(odd), "{name}: {odd}");
        }
    }
}

/// Pages name files and tests that exist.
#[test]
fn what_the_pages_name_is_there() {
    let sources = sources();
    for name in pages() {
        let text = page(&name);
        for (number, word) in text.split('`').enumerate() {
            let is_ours = word.contains('/') && !word.starts_with(['~', '$']);
            let is_file = is_ours && [".rs", ".md", ".toml"].iter().any(|ending| word.ends_with(ending));
            let is_test = word.matches('_').count() > 3
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if number % 2 == 0 || !(is_file || is_test) {
                continue;
            }
            let there = if is_file {
                root().join(word).exists()
            } else {
                sources.iter().any(|(_, text)| text.contains(&format!("fn {word}(")))
            };
            assert!(there, "{name}: {word}");
        }
    }
}
