-- One schema for SQLite and PostgreSQL: texts and BIGINT only, keys that need no counter of the database.
-- Times are texts in UTC in whole seconds, 2026-11-23T00:50:00Z: their order as texts is their order in time.

-- The workspaces of this store: one in a file of a workspace, several on a server.
CREATE TABLE workspaces (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cluster TEXT
);

-- The commits of the generated branch, oldest first: the cluster as it was at a time.
CREATE TABLE commits (
    workspace BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    time TEXT NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (workspace, number),
    UNIQUE (workspace, id)
);

-- What Proxmox said of objects, each text once.
CREATE TABLE contents (
    workspace BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (workspace, digest)
);

-- Objects that are new, changed or gone since the commit before. Without a digest the object is gone.
CREATE TABLE observations (
    workspace BIGINT NOT NULL,
    object TEXT NOT NULL,
    number BIGINT NOT NULL,
    digest TEXT,
    PRIMARY KEY (workspace, object, number),
    FOREIGN KEY (workspace, number) REFERENCES commits (workspace, number) ON DELETE CASCADE
);

-- Without it a rebuild would look through all observations for each commit that it takes out.
CREATE INDEX observations_number ON observations (workspace, number);

-- The keys that changed. Time and actor are there where the cluster's task log tells them.
CREATE TABLE changes (
    workspace BIGINT NOT NULL,
    object TEXT NOT NULL,
    number BIGINT NOT NULL,
    key TEXT NOT NULL,
    before TEXT,
    after TEXT,
    time TEXT,
    actor TEXT,
    PRIMARY KEY (workspace, object, number, key),
    FOREIGN KEY (workspace, object, number) REFERENCES observations (workspace, object, number) ON DELETE CASCADE
);

-- When each object was last read, changed or not.
CREATE TABLE sightings (
    workspace BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (workspace, object)
);
