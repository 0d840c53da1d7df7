//! Permission of a method in the schema, evaluated for a login as `PVE::RPCEnvironment` does.

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Method;
use proxmox_mpc_model::{Answers, Unreadable, list};
use serde_json::{Map, Value};

use super::login_privileges::Bearer;
use crate::call::Refusal;

/// The parameters of a call, those of the path included.
pub(super) type Parameters = Map<String, Value>;

/// Result of one test of a permission.
enum TestResult {
    Passes,
    /// Another test may still pass.
    Fails(Refusal),
    /// No other test is tried.
    Ends(Refusal),
}

/// The refusal of a permission check; the text stands in the brackets, which are left out where it is empty.
pub(super) fn denied(what: &str) -> Refusal {
    let brackets = if what.is_empty() { String::new() } else { format!(" ({what})") };
    Refusal::Message { status: 403, text: format!("Permission check failed{brackets}") }
}

impl<A: Answers> Bearer<'_, A> {
    /// Refuses a call that the permission of its method does not let pass (`check_api2_permissions`).
    pub(super) fn check(&self, method: &Method, parameters: &Parameters) -> Result<(), Refusal> {
        if self.login.is_root() {
            return Ok(());
        }
        let Some(permissions) = method.permissions.as_object() else { return Err(denied("user != root@pam")) };
        if permissions.get("user").is_some_and(|user| user == "all" || user == "world") {
            return Ok(());
        }
        let Some(test) = permissions.get("check").and_then(Value::as_array) else { return Err(denied("")) };
        match self.test(test, parameters)? {
            TestResult::Passes => Ok(()),
            TestResult::Fails(refusal) | TestResult::Ends(refusal) => Err(refusal),
        }
    }

    fn test(&self, test: &[Value], parameters: &Parameters) -> Result<TestResult, Refusal> {
        let Some((name, rest)) = test.split_first() else { return Ok(TestResult::Fails(denied(""))) };
        match name.as_str().unwrap_or_default() {
            "and" => {
                for test in rest.iter().filter_map(Value::as_array) {
                    if let TestResult::Fails(refusal) | TestResult::Ends(refusal) = self.test(test, parameters)? {
                        return Ok(TestResult::Ends(refusal));
                    }
                }
                Ok(TestResult::Passes)
            }
            "or" => {
                for test in rest.iter().filter_map(Value::as_array) {
                    match self.test(test, parameters)? {
                        TestResult::Fails(_) => {}
                        other => return Ok(other),
                    }
                }
                Ok(TestResult::Fails(denied("")))
            }
            "perm" => self.privilege(rest, parameters),
            "perm-modify" => self.may_give(rest, parameters),
            "userid-param" => self.on_user(rest, parameters),
            "userid-group" => self.on_group(rest, parameters),
            _ => Ok(TestResult::Fails(denied(""))),
        }
    }

    /// `["perm", "/vms/{vmid}", ["VM.Audit"], "any", 1, "require_param", "pool"]`.
    fn privilege(&self, test: &[Value], parameters: &Parameters) -> Result<TestResult, Refusal> {
        if let Some(required) = option(test, "require_param").and_then(Value::as_str)
            && !parameters.contains_key(required)
        {
            return Ok(TestResult::Fails(denied("")));
        }
        let path = normalized(&filled(test.first().and_then(Value::as_str).unwrap_or_default(), parameters));
        let any = option(test, "any").is_some_and(|any| any == 1);
        Ok(match self.lacks(path.as_deref(), &strings(test.get(1)), any)? {
            None => TestResult::Passes,
            Some(lacking) => TestResult::Fails(denied(&lacking)),
        })
    }

    /// The missing privileges at a path: `/vms/100, VM.Audit` for all of them, `/vms/100, A|B` where one of them is
    /// enough; `None` where nothing is missing. Nobody has privileges at a path that is not an ACL path.
    fn lacks(&self, path: Option<&str>, privileges: &[&str], any: bool) -> Result<Option<String>, Refusal> {
        let held = match path {
            Some(path) => self.privileges(path)?,
            None => std::rc::Rc::default(),
        };
        let path = path.unwrap_or_default();
        let mut missing = privileges.iter().filter(|privilege| !held.contains_key(**privilege));
        Ok(if any {
            (missing.count() == privileges.len()).then(|| format!("{path}, {}", privileges.join("|")))
        } else {
            missing.next().map(|privilege| format!("{path}, {privilege}"))
        })
    }

    /// Refuses a login that has none of these privileges at a path.
    pub(super) fn require_any(&self, path: &str, privileges: &[&str]) -> Result<(), Refusal> {
        self.lacks(Some(path), privileges, true)?.map_or(Ok(()), |lacking| Err(denied(&lacking)))
    }

    /// Refuses a login that lacks one of these privileges at a path.
    pub(super) fn require_all(&self, path: &str, privileges: &[&str]) -> Result<(), Refusal> {
        self.lacks(Some(path), privileges, false)?.map_or(Ok(()), |lacking| Err(denied(&lacking)))
    }

    /// Reports whether the login may give permissions at a path (`check_perm_modify`).
    pub(super) fn gives(&self, path: &str) -> Result<Option<String>, Refusal> {
        let mut privileges = vec!["Permissions.Modify"];
        let below = |top: &str| path.strip_prefix(top).is_some_and(|rest| !rest.is_empty());
        for (top, privilege) in
            [("/storage/", "Datastore.Allocate"), ("/vms/", "VM.Allocate"), ("/pool/", "Pool.Allocate")]
        {
            if below(top) {
                privileges.push(privilege);
            }
        }
        self.lacks(Some(path), &privileges, true)
    }

    fn may_give(&self, test: &[Value], parameters: &Parameters) -> Result<TestResult, Refusal> {
        let path = filled(test.first().and_then(Value::as_str).unwrap_or_default(), parameters);
        // The method itself refuses what is no path.
        let Some(path) = normalized(&path) else { return Ok(TestResult::Passes) };
        Ok(self.gives(&path)?.map_or(TestResult::Passes, |lacking| TestResult::Fails(denied(&lacking))))
    }

    /// `["userid-param", "self"]`, `["userid-param", "Realm.AllocateUser"]`.
    fn on_user(&self, test: &[Value], parameters: &Parameters) -> Result<TestResult, Refusal> {
        let user = parameters.get("userid").and_then(text).unwrap_or_default();
        let privilege = test.first().and_then(Value::as_str).unwrap_or_default();
        if privilege == "self" {
            let itself = self.accounts.users.contains_key(&user) && self.login.full() == user;
            return Ok(if itself { TestResult::Passes } else { TestResult::Fails(denied("")) });
        }
        let realm = match realm_of(&user) {
            Ok(realm) => realm,
            Err(why) => return Ok(TestResult::Ends(Refusal::failed(why))),
        };
        let lacking = self.lacks(Some(&format!("/access/realm/{realm}")), &[privilege], false)?;
        Ok(lacking.map_or(TestResult::Passes, |lacking| TestResult::Fails(denied(&lacking))))
    }

    /// `["userid-group", ["User.Modify"], "groups_param", "create"]`: a privilege over one of the user's groups.
    fn on_group(&self, test: &[Value], parameters: &Parameters) -> Result<TestResult, Refusal> {
        let user = parameters.get("userid").and_then(text).unwrap_or_default();
        let (privileges, groups) = (strings(test.first()), option(test, "groups_param").and_then(Value::as_str));
        let exists = groups != Some("create");
        if exists && !self.accounts.users.contains_key(&user) {
            return Ok(TestResult::Fails(Refusal::failed(format!("no such user ('{user}')"))));
        }
        if self.any("/access/groups", &privileges)? {
            return Ok(TestResult::Passes);
        }
        let over = self.groups_over(&privileges)?;
        if groups.is_some() {
            let given = parameters.get("groups").and_then(text).unwrap_or_default();
            let given: Vec<&str> = list::items(&given).collect();
            let privileges = privileges.join("|");
            if given.is_empty() {
                return Ok(TestResult::Ends(denied(&format!("/access/groups, {privileges}"))));
            }
            if let Some(other) = given.iter().find(|group| !over.contains(**group)) {
                return Ok(TestResult::Ends(denied(&format!("/access/groups/{other}, {privileges}"))));
            }
        }
        if exists && !self.members(&over).contains(&user) {
            return Ok(TestResult::Fails(denied("")));
        }
        Ok(TestResult::Passes)
    }

    /// The groups at which the login has one of these privileges (`filter_groups`).
    pub(super) fn groups_over(&self, privileges: &[&str]) -> Result<BTreeSet<&str>, Unreadable> {
        let mut groups = BTreeSet::new();
        for group in self.accounts.groups.keys() {
            if self.any(&format!("/access/groups/{group}"), privileges)? {
                groups.insert(group.as_str());
            }
        }
        Ok(groups)
    }

    /// The users of these groups.
    pub(super) fn members(&self, groups: &BTreeSet<&str>) -> BTreeSet<String> {
        groups.iter().filter_map(|group| self.accounts.groups.get(*group)).flatten().cloned().collect()
    }
}

/// The realm of a user name, or Proxmox's message about a name that is not one (`verify_username`).
fn realm_of(user: &str) -> Result<&str, String> {
    let length = user.chars().count();
    if length < 3 {
        return Err(format!("user name '{user}' is too short"));
    }
    if length > 64 {
        return Err(format!("user name '{user}' is too long ({length} > 64)"));
    }
    let of_name = |character: char| !character.is_whitespace() && character != ':' && character != '/';
    let of_realm = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    let whole = user.rsplit_once('@').filter(|(name, realm)| {
        let begins = realm.starts_with(|character: char| character.is_ascii_alphabetic());
        !name.is_empty() && name.chars().all(of_name) && realm.len() > 1 && begins && realm.chars().all(of_realm)
    });
    whole.map(|(_, realm)| realm).ok_or_else(|| format!("value '{user}' does not look like a valid user name"))
}

/// Reports whether a login with all rights passes, judging by the permission alone: its paths are well formed, and it
/// needs nothing but privileges.
pub(super) fn plainly_passes(method: &Method, parameters: &Parameters) -> bool {
    fn passes(test: &[Value], parameters: &Parameters) -> bool {
        let Some((name, rest)) = test.split_first() else { return false };
        let mut tests = rest.iter().filter_map(Value::as_array);
        match name.as_str().unwrap_or_default() {
            "and" => tests.all(|test| passes(test, parameters)),
            "or" => tests.any(|test| passes(test, parameters)),
            "perm" if option(rest, "require_param").is_none() => {
                normalized(&filled(rest.first().and_then(Value::as_str).unwrap_or_default(), parameters)).is_some()
            }
            _ => false,
        }
    }
    let user = method.permissions.get("user");
    let test = method.permissions.get("check").and_then(Value::as_array);
    user.is_some_and(|user| user == "all" || user == "world") || test.is_some_and(|test| passes(test, parameters))
}

/// An option of a test, which follows its name.
fn option<'t>(test: &'t [Value], name: &str) -> Option<&'t Value> {
    let at = test.iter().position(|word| word == name)?;
    test.get(at + 1)
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A path with its placeholders replaced; a parameter that was not given is `-` (`template_replace`).
fn filled(template: &str, parameters: &Parameters) -> String {
    let mut parts = template.split('{');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let value = parameters.get(name).and_then(text).filter(|value| !value.is_empty() && value != "0");
        path.push_str(value.as_deref().unwrap_or("-"));
        path.push_str(rest);
    }
    path
}

/// An ACL path as Proxmox compares it; `None` for a path that is not one (`normalize_path`).
pub(super) fn normalized(path: &str) -> Option<String> {
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let fits = |character: char| character.is_ascii_alphanumeric() || ".-_/".contains(character);
    (!path.is_empty() && path.chars().all(fits)).then(|| format!("/{}", words.join("/")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_filled_and_normalized_as_by_proxmox() {
        let parameters = json!({"vmid": 100, "zone": "z1"});
        let parameters = parameters.as_object().expect("it is one");
        let check = |template: &str, expected: Option<&str>| {
            assert_eq!(normalized(&filled(template, parameters)).as_deref(), expected, "{template}");
        };
        check("/vms/{vmid}", Some("/vms/100"));
        check("/sdn/zones/{zone}/{vnet}", Some("/sdn/zones/z1/-"));
        check("//pool//a/", Some("/pool/a"));
        check("/", Some("/"));
        check("/nodes/a b", None);
        check("", None);
    }
}
