//! Where the objects of a kind are read: by functions of its own, or by a path at one or more places and the shape of its
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

/// Where the objects of a kind are read.
#[expect(clippy::large_enum_variant, reason = "a kind is a static: nobody moves it")]
pub enum Source {
    /// By functions of its own.
    Own {
        /// See [`super::kind::Kind::requests`].
        requests: fn(&Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable>,
        /// See [`super::kind::Kind::list`].
        list: fn(&Cluster<'_>) -> Result<Listing, Unreadable>,
        /// See [`super::kind::Kind::read`].
        read: fn(&Cluster<'_>, &Entry) -> Result<Reading, Unreadable>,
    },
    /// From lists and single answers of the API.
    Listed(Listed),
}

/// A path at one or more places, and the shape of its answer.
pub struct Listed {
    /// Where there is such an answer.
    pub scopes: &'static [Scope],
    /// The path below each place: `firewall/rules`.
    pub path: &'static str,
    /// A query pair that goes with it.
    pub query: Option<(&'static str, &'static str)>,
    /// What the answer holds.
    pub shape: Shape,
    /// The ACL path and the privilege with which a list of the whole cluster hides nothing: `/sdn`, `SDN.Audit`. At nodes,
    /// guests and vnets it is the place that hides.
    pub audit: (&'static str, &'static str),
    /// Whether who lacks that privilege gets a part of an answer instead of a refusal: such a part is nothing to make code
    /// of.
    pub partial: bool,
    /// A second one, where it takes two.
    pub audit_also: Option<(&'static str, &'static str)>,
    /// Parts of a refusal's message by which Proxmox says that it has no such thing in this version or state: the list is
    /// empty, and complete. A path that is not implemented says so by itself.
    pub nothing: &'static [&'static str],
    /// The release from which on there are such things; before, nothing is asked and there are none.
    pub since: Release,
    /// Takes the rows out of an answer that is no list of them; `None` where it is one. Only for [`Shape::Rows`].
    pub rows: Option<Unfold>,
    /// Keys that every row has beside an [`RowId::Key`]: an answer with a row that lacks one is none.
    pub keys: &'static [&'static str],
    /// Brings an object into the form in which it is configured; an object that it refuses is left out.
    pub adjust: fn(&mut Map<String, Value>) -> bool,
}

/// Takes the rows out of the data of an answer.
pub type Unfold = fn(&Value) -> Vec<Map<String, Value>>;

/// What there can be an answer for.
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

/// What an answer holds.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One object. It is there when it has any key beside its digest.
    One,
    /// What stands beside the data under this key, where anything does: `changes`.
    Beside(&'static str),
    /// A list of objects.
    Rows(RowId),
    /// A list of objects, each of which is asked for once more: its own answer has more keys.
    Each(RowId),
    /// One object, whose parts the list is made of.
    Parts(Parts),
    /// A list of objects, each of which is asked for the list of its parts.
    EachParts(RowId, Parts),
}

/// The parts of an object, which become its keys `rule0`, `rule1`, ….
#[derive(Clone, Copy)]
pub struct Parts {
    /// The stem of the keys: `rule`.
    pub stem: &'static str,
    /// The key by which parts are sorted: `pos` for rules in their order, `cidr` for addresses, which have none.
    pub order: &'static str,
}

/// Where an object is, read from its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The place.
    pub place: Where,
    /// What tells it from others of its place; empty where it is the only one.
    pub id: String,
}

/// A place of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
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
    /// A list of the whole cluster that hides nothing from who may audit the system.
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

    /// The same at other places.
    #[must_use]
    pub const fn at(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The same with a query pair.
    #[must_use]
    pub const fn query(mut self, key: &'static str, value: &'static str) -> Self {
        self.query = Some((key, value));
        self
    }

    /// The same with the ACL path and the privilege that it takes to see all of it.
    #[must_use]
    pub const fn audit(mut self, path: &'static str, privilege: &'static str) -> Self {
        self.audit = (path, privilege);
        self
    }

    /// The same, where who lacks that privilege gets a part of each answer.
    #[must_use]
    pub const fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// The same with a second privilege that it takes to see all of it.
    #[must_use]
    pub const fn audit_also(mut self, path: &'static str, privilege: &'static str) -> Self {
        self.audit_also = Some((path, privilege));
        self
    }

    /// The same with refusals that mean that there is no such thing.
    #[must_use]
    pub const fn nothing(mut self, messages: &'static [&'static str]) -> Self {
        self.nothing = messages;
        self
    }

    /// The same, where releases before this one do not have it.
    #[must_use]
    pub const fn since(mut self, release: Release) -> Self {
        self.since = release;
        self
    }

    /// The same with a function that takes the rows out of an answer that is no list.
    #[must_use]
    pub const fn rows(mut self, rows: Unfold) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The same with keys that every row has, which its id is made of.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// The same with a function that brings each object into the form in which it is configured, and says whether it
    /// is one of the kind at all.
    #[must_use]
    pub const fn adjust(mut self, adjust: fn(&mut Map<String, Value>) -> bool) -> Self {
        self.adjust = adjust;
        self
    }
}

impl Parts {
    /// Adds the rows of a list as keys. The digest of the list, which each row repeats, stands once, and the position is
    /// in the key's name.
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
