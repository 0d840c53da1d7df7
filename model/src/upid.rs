//! Ids of tasks: `UPID:pve1:0003C1A5:01B2C3D4:6655AA00:qmstart:100:root@pam:`.

use std::fmt;

/// Id of a task, with its node, start, type, object and user (`PVE::Tools::upid_decode`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upid {
    text: String,
    started: u32,
}

impl Upid {
    /// Reads nine fields and the colon after the last; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(':').collect();
        let ["UPID", node, pid, process_start, started, task, _, user, ""] = fields[..] else { return None };
        let named = [node, task, user].iter().all(|field| !field.is_empty());
        // The kernel's counters outgrow eight digits on a machine that is up for long.
        let counted = is_hexadecimal(pid, 8..=8) && is_hexadecimal(process_start, 8..=9);
        let started =
            if is_hexadecimal(started, 8..=8) { u32::from_str_radix(started, 16).ok()? } else { return None };
        (named && counted).then(|| Self { text: text.to_owned(), started })
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The node that runs it: its status and log are asked for there.
    pub fn node(&self) -> &str {
        self.field(1)
    }

    /// The start, in seconds since 1970 (UTC).
    pub fn started(&self) -> u32 {
        self.started
    }

    /// The type of the task: `qmstart`, `vzdump`, `imgcopy`.
    pub fn task(&self) -> &str {
        self.field(5)
    }

    /// The object of the task, often a VMID; empty for a task of the whole node.
    pub fn subject(&self) -> &str {
        self.field(6)
    }

    /// The user (`root@pam`) or token (`root@pam!automation`) that started it.
    pub fn user(&self) -> &str {
        self.field(7)
    }

    fn field(&self, index: usize) -> &str {
        self.text.split(':').nth(index).unwrap_or_default()
    }
}

fn is_hexadecimal(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Upid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_ids_have_their_task() {
        let check = |text: &str, node: &str, task: &str, subject: &str, user: &str, started: u32| {
            let upid = Upid::parse(text).unwrap();
            assert_eq!((upid.node(), upid.task(), upid.subject(), upid.user()), (node, task, subject, user), "{text}");
            assert_eq!(upid.started(), started, "{text}");
            assert_eq!(upid.to_string(), text);
        };
        let start = "UPID:pve:000043EE:000A7C13:6B03FDAC:qmstart:101:root@pam!iac:";
        check(start, "pve", "qmstart", "101", "root@pam!iac", 1_795_423_660);
        let copy = "UPID:pve1:000064C9:000A3D22:6B038E18:imgcopy::root@pam!iac:";
        check(copy, "pve1", "imgcopy", "", "root@pam!iac", 1_795_395_096);
        let reload = "UPID:pve2:000044e0:1000DCEEF:6B04062E:srvreload:networking:root@pam:";
        check(reload, "pve2", "srvreload", "networking", "root@pam", 1_795_425_838);
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "UPID",
            "UPID:pve:000043EE:000A7C13:6B03FDAC:qmstart:101:root@pam",
            "UPID:pve:43EE:000A7C13:6B03FDAC:qmstart:101:root@pam:",
            "UPID:pve:000043EE:000A7C13:6B03FDAG:qmstart:101:root@pam:",
            "UPID::000043EE:000A7C13:6B03FDAC:qmstart:101:root@pam:",
            "UPID:pve:000043EE:000A7C13:6B03FDAC:qmstart:101::",
            // The tasks of a backup server have one field more.
            "UPID:pbs:000001F4:000A1B2C:00000064:6B02A000:verificationjob:homelab:root@pam:",
        ] {
            assert_eq!(Upid::parse(text), None, "{text}");
        }
    }
}
