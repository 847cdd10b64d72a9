-- Objects behind the guard: what the S3 gateway shows of a study. Names are bytes so that both engines order them alike.
CREATE TABLE guarded_studies (
    study TEXT PRIMARY KEY,
    versioning TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BYTEA NOT NULL
);

CREATE TABLE guarded_versions (
    study TEXT NOT NULL REFERENCES guarded_studies (study),
    name BYTEA NOT NULL,
    -- Grows with every version of anything; the newest version of a name has the greatest.
    sequence BIGINT NOT NULL,
    version BYTEA NOT NULL,
    object BYTEA NOT NULL,
    -- Whether it goes by the version id `null` (Amazon S3 User Guide, "Working with objects in a versioning-suspended bucket").
    unversioned INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    state TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    etag TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    created_by BYTEA NOT NULL,
    properties TEXT NOT NULL,
    labels TEXT NOT NULL,
    subjects BIGINT NOT NULL,
    tags TEXT NOT NULL,
    retention_mode TEXT,
    retain_until BIGINT,
    legal_hold INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (study, name, sequence)
);
CREATE INDEX guarded_versions_listed ON guarded_versions (study, latest, name);
CREATE INDEX guarded_versions_by_version ON guarded_versions (version);
CREATE INDEX guarded_versions_by_state ON guarded_versions (state, sequence);

CREATE TABLE guarded_uploads (
    upload BYTEA PRIMARY KEY,
    study TEXT NOT NULL REFERENCES guarded_studies (study),
    name BYTEA NOT NULL,
    object BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    created_by BYTEA NOT NULL,
    properties TEXT NOT NULL
);
CREATE INDEX guarded_uploads_listed ON guarded_uploads (study, name, upload);

CREATE TABLE guarded_parts (
    upload BYTEA NOT NULL REFERENCES guarded_uploads (upload),
    number INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    etag TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    checksums TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (upload, number)
);
