-- Times are milliseconds since 1970-01-01 UTC. Sets of names are joined by commas, sorted.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    location TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    scanned_at BIGINT
);

CREATE TABLE scans (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    checkpoint_at BIGINT NOT NULL,
    finished_at BIGINT,
    resumed BIGINT NOT NULL,
    inspected BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    message TEXT
);
CREATE INDEX scans_by_source ON scans (source_id, id);

-- A member of an archive is an object of its own; top_id is the object that holds it.
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    top_id INTEGER,
    path TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    modified_at BIGINT,
    stamp TEXT,
    digest BYTEA,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    study TEXT NOT NULL,
    found TEXT NOT NULL,
    labels TEXT NOT NULL,
    laws TEXT NOT NULL,
    jurisdictions TEXT NOT NULL,
    subjects BIGINT NOT NULL,
    risk BIGINT NOT NULL,
    problems BIGINT NOT NULL,
    members BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    scan_id INTEGER NOT NULL,
    UNIQUE (source_id, path)
);
CREATE INDEX objects_by_top ON objects (top_id);
CREATE INDEX objects_by_risk ON objects (risk, id);

CREATE TABLE versions (
    object_id INTEGER NOT NULL,
    version BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    format TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    modified_at BIGINT,
    digest BYTEA,
    labels TEXT NOT NULL,
    subjects BIGINT NOT NULL,
    identifiers BIGINT NOT NULL,
    PRIMARY KEY (object_id, version)
);

CREATE TABLE identifiers (
    object_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    occurrences BIGINT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    finer TEXT NOT NULL,
    PRIMARY KEY (object_id, type)
);

CREATE TABLE samples (
    object_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    type TEXT NOT NULL,
    masked TEXT NOT NULL,
    place TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    recognizer TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (object_id, ordinal)
);

CREATE TABLE problems (
    object_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (object_id, ordinal)
);

CREATE TABLE corrections (
    id INTEGER PRIMARY KEY,
    object_id INTEGER NOT NULL REFERENCES objects (id),
    label TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE INDEX corrections_by_object ON corrections (object_id, id);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    object_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX changes_by_time ON changes (happened_at, id);
CREATE INDEX changes_by_object ON changes (object_id, id);

-- Which objects a term applies to (a label, a format, three letters of a path), in chunks of 4,096 object ids.
CREATE TABLE postings (
    term BYTEA NOT NULL,
    chunk INTEGER NOT NULL,
    ids BYTEA NOT NULL,
    PRIMARY KEY (term, chunk)
);

-- Sums kept up to date with every object, so that no page has to add up the objects themselves.
CREATE TABLE totals (
    source_id INTEGER NOT NULL,
    study TEXT NOT NULL,
    format TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    objects BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    problems BIGINT NOT NULL,
    PRIMARY KEY (source_id, study, format, labels, state)
);

CREATE TABLE identifier_totals (
    type TEXT PRIMARY KEY,
    objects BIGINT NOT NULL,
    occurrences BIGINT NOT NULL
);

CREATE TABLE schedules (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    rule TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    next_due_at BIGINT,
    last_run_at BIGINT
);
CREATE INDEX schedules_by_due ON schedules (next_due_at);
