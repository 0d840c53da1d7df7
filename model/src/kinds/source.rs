//! Sources of the objects of a kind: functions of its own, or a path at one or more locations and the shape of its
//! answer.

use serde_json::{Map, Value};

use crate::cluster::Cluster;
use crate::guest::GuestType;
use crate::object::text;
use crate::rows::RowId;
use crate::schema::Release;
use crate::{Answer, ApiPath, Entry, Listing, NotRead, Object, Unreadable, VmId};

/// An object with its keys, or the reason why it could not be read although the stored answers can.
pub type Reading = Result<Object, NotRead>;

/// Source of the objects of a kind.
#[expect(clippy::large_enum_variant, reason = "a kind is a static: nobody moves it")]
pub enum Source {
    /// Functions of its own.
    Own {
        /// See [`super::kind::Kind::requests`].
        requests: fn(&Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable>,
        /// See [`super::kind::Kind::list`].
        list: fn(&Cluster<'_>) -> Result<Listing, Unreadable>,
        /// See [`super::kind::Kind::read`].
        read: fn(&Cluster<'_>, &Entry) -> Result<Reading, Unreadable>,
    },
    /// Lists and single answers of the API.
    Listed(Listed),
}

/// Path at one or more locations, and the shape of its answer.
pub struct Listed {
    /// The scopes that have such an answer.
    pub scopes: &'static [Scope],
    /// The path below each location: `firewall/rules`.
    pub path: &'static str,
    /// A query pair that goes with it.
    pub query: Option<(&'static str, &'static str)>,
    /// The shape of the answer.
    pub shape: Shape,
    /// The ACL path and the privilege with which a list of the whole cluster hides nothing: `/sdn`, `SDN.Audit`. At
    /// nodes, guests and virtual networks the location decides.
    pub audit: (&'static str, &'static str),
    /// True if a login without that privilege gets a part of an answer instead of a refusal: no code is made of such a
    /// part.
    pub partial: bool,
    /// A second ACL path and privilege, where two are needed.
    pub audit_also: Option<(&'static str, &'static str)>,
    /// Parts of a refusal's message by which Proxmox says that it has no such objects in this version or state: the
    /// list is empty, and complete. A path that is not implemented says so by itself.
    pub nothing: &'static [&'static str],
    /// The first release that has such objects; before, nothing is asked and there are none.
    pub since: Release,
    /// The function that takes the rows out of an answer that is not a list of them; `None` where it is one. Only for
    /// [`Shape::Rows`].
    pub rows: Option<Unfold>,
    /// Keys that every row has beside an [`RowId::Key`]: an answer with a row that lacks one is unusable.
    pub keys: &'static [&'static str],
    /// The function that brings an object into the form in which it is configured; an object that it refuses is left
    /// out.
    pub adjust: fn(&mut Map<String, Value>) -> bool,
}

/// Function that takes the rows out of the data of an answer.
pub type Unfold = fn(&Value) -> Vec<Map<String, Value>>;

/// Scope of an answer: what there is one answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cluster, once: paths begin with `cluster` or `access`, as the kind says.
    Cluster(&'static str),
    /// Each node.
    Node,
    /// Each guest.
    Guest,
    /// Each virtual network of the SDN.
    Vnet,
}

/// Shape of an answer.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One object. It is there when it has any key beside its digest.
    One,
    /// The value beside the data under this key, where there is one: `changes`.
    Beside(&'static str),
    /// A list of objects.
    Rows(RowId),
    /// A list of objects, each of which has an answer of its own with more keys.
    Each(RowId),
    /// One object; the list has its parts.
    Parts(Parts),
    /// A list of objects, each of which has an answer of its own, the list of its parts.
    EachParts(RowId, Parts),
}

/// Parts of an object, which become its keys `rule0`, `rule1`, ….
#[derive(Clone, Copy)]
pub struct Parts {
    /// The stem of the keys: `rule`.
    pub stem: &'static str,
    /// The key by which parts are sorted: `pos` for rules in their order, `cidr` for addresses, which have none.
    pub order: &'static str,
}

/// Id of an object within its location, read from its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalId {
    /// The location.
    pub location: Location,
    /// The id within the location; empty where there is only one object.
    pub id: String,
}

/// Location of objects in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The cluster as a whole.
    Cluster,
    /// A node.
    Node(String),
    /// A guest.
    Guest(GuestType, VmId),
    /// A virtual network.
    Vnet(String),
}

impl Listed {
    /// A list of the whole cluster that hides nothing from a login with `Sys.Audit` on `/`.
    pub const fn cluster(path: &'static str, shape: Shape) -> Self {
        Self {
            scopes: &[Scope::Cluster("cluster")],
            path,
            query: None,
            shape,
            audit: ("/", "Sys.Audit"),
            partial: false,
            audit_also: None,
            nothing: &[],
            since: Release::NineOne,
            rows: None,
            keys: &[],
            adjust: |_| true,
        }
    }

    /// The source with these scopes.
    #[must_use]
    pub const fn at(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The source with a query pair.
    #[must_use]
    pub const fn query(mut self, key: &'static str, value: &'static str) -> Self {
        self.query = Some((key, value));
        self
    }

    /// The source with the ACL path and the privilege that it takes to see all of it.
    #[must_use]
    pub const fn audit(mut self, path: &'static str, privilege: &'static str) -> Self {
        self.audit = (path, privilege);
        self
    }

    /// The source as one that gives a login without that privilege a part of each answer.
    #[must_use]
    pub const fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// The source with a second privilege that it takes to see all of it.
    #[must_use]
    pub const fn audit_also(mut self, path: &'static str, privilege: &'static str) -> Self {
        self.audit_also = Some((path, privilege));
        self
    }

    /// The source with refusals that mean that there are no such objects.
    #[must_use]
    pub const fn nothing(mut self, messages: &'static [&'static str]) -> Self {
        self.nothing = messages;
        self
    }

    /// The source as one that releases before this one do not have.
    #[must_use]
    pub const fn since(mut self, release: Release) -> Self {
        self.since = release;
        self
    }

    /// The source with a function that takes the rows out of an answer that is not a list.
    #[must_use]
    pub const fn rows(mut self, rows: Unfold) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The source with keys that every row has, which its id is made of.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// The source with a function that brings each object into the form in which it is configured, and reports whether
    /// it is an object of the kind at all.
    #[must_use]
    pub const fn adjust(mut self, adjust: fn(&mut Map<String, Value>) -> bool) -> Self {
        self.adjust = adjust;
        self
    }
}

impl Parts {
    /// Adds the rows of a list as keys. The digest of the list, which each row repeats, is kept once, and the position
    /// is in the key's name.
    pub(super) fn collect(self, answer: &Answer, keys: &mut Map<String, Value>) {
        let mut rows: Vec<Map<String, Value>> = answer.list().cloned().collect();
        let order = |row: &Map<String, Value>| {
            let text = row.get(self.order).and_then(text).unwrap_or_default();
            (text.parse().unwrap_or(u64::MAX), text)
        };
        rows.sort_by_cached_key(order);
        for (index, mut row) in rows.into_iter().enumerate() {
            if let Some(digest) = row.remove("digest") {
                keys.insert("digest".to_owned(), digest);
            }
            row.remove("pos");
            keys.insert(format!("{}{index}", self.stem), Value::Object(row));
        }
    }
}
