-- Who is in which version of an object behind the guard, as its inspection found it: the catalogue's own bitmaps follow the newest
-- version, and what happened to an older one, or to one that is gone, is asked about it. A part is the object itself or a member of it.
CREATE TABLE version_people (
    version BYTEA NOT NULL,
    part INTEGER NOT NULL,
    -- Labels in force then, joined by commas, sorted.
    labels TEXT NOT NULL,
    subjects BIGINT NOT NULL,
    ids BYTEA NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (version, part)
);
CREATE INDEX version_people_by_time ON version_people (kept_at);
