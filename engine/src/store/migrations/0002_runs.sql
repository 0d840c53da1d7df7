-- The operations on a workspace. One that is under way, or was killed, has no end.
CREATE TABLE runs (
    workspace BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    operation TEXT NOT NULL,
    command TEXT NOT NULL,
    actor TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    outcome TEXT,
    summary TEXT,
    PRIMARY KEY (workspace, operation)
);

CREATE INDEX runs_started ON runs (workspace, started, operation);

-- What people decided about objects: that a block stays out, how a conflict was resolved.
CREATE TABLE decisions (
    workspace BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    object TEXT NOT NULL,
    decision TEXT NOT NULL,
    actor TEXT NOT NULL,
    time TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (workspace, number)
);

CREATE INDEX decisions_object ON decisions (workspace, object, number);
