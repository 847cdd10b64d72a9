-- Every key but the root key, wrapped under its parent. A row of a destroyed key stays without its bytes, so that the
-- key is never made again.
CREATE TABLE vault_keys (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    study TEXT,
    subject TEXT,
    parent TEXT NOT NULL,
    parent_version BIGINT NOT NULL,
    wrapped BYTEA,
    created_at BIGINT NOT NULL,
    rewrapped_at BIGINT,
    destroyed_at BIGINT,
    PRIMARY KEY (name, version)
);
CREATE INDEX vault_keys_by_parent ON vault_keys (parent, parent_version);
CREATE INDEX vault_keys_by_owner ON vault_keys (owner);
CREATE INDEX vault_keys_by_study ON vault_keys (study);
CREATE INDEX vault_keys_by_subject ON vault_keys (subject);

CREATE TABLE vault_holds (
    scope TEXT NOT NULL,
    reference TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    released_at BIGINT,
    PRIMARY KEY (scope, reference)
);

CREATE TABLE vault_receipts (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    signer TEXT NOT NULL,
    signature TEXT NOT NULL
);
CREATE INDEX vault_receipts_by_scope ON vault_receipts (scope);
