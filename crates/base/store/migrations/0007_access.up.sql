-- Studies: the unit of isolation and of keys. Countries are ISO 3166-1 alpha-2 codes separated by spaces, sorted.
CREATE TABLE studies (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    sponsor TEXT,
    countries TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    contained_at BIGINT,
    closed_at BIGINT
);

-- Rows are never removed, so that no id is ever used for another (21 CFR 11.100(a)).
CREATE TABLE principals (
    id BYTEA PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    user_id INTEGER UNIQUE REFERENCES users (id),
    organisation TEXT,
    training_until BIGINT,
    agreement_until BIGINT,
    contained_at BIGINT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX principals_by_name ON principals (name) WHERE disabled_at IS NULL;

CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    secret_sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    disabled_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX access_keys_by_principal ON access_keys (principal);

-- Credentials of AssumeRoleWithWebIdentity. Of the session token only a digest is kept.
CREATE TABLE temporary_credentials (
    id TEXT PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    secret_sealed BYTEA NOT NULL,
    token_hash BYTEA NOT NULL,
    issuer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX temporary_credentials_by_principal ON temporary_credentials (principal);
CREATE INDEX temporary_credentials_by_end ON temporary_credentials (expires_at);

CREATE TABLE external_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    principal BYTEA NOT NULL REFERENCES principals (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- A grant without a study concerns the organisation itself. Actions and labels are separated by spaces.
CREATE TABLE grants (
    id INTEGER PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    study TEXT REFERENCES studies (id),
    role TEXT,
    actions TEXT NOT NULL,
    labels TEXT,
    state TEXT NOT NULL,
    requested_by BYTEA NOT NULL REFERENCES principals (id),
    requested_at BIGINT NOT NULL,
    reason_sealed BYTEA,
    approved_by BYTEA REFERENCES principals (id),
    valid_from BIGINT NOT NULL,
    valid_until BIGINT,
    ended_at BIGINT,
    ended_by BYTEA REFERENCES principals (id),
    last_used_at BIGINT
);
CREATE INDEX grants_by_principal ON grants (principal, study);
CREATE INDEX grants_by_study ON grants (study);
CREATE INDEX grants_by_state ON grants (state, id);

CREATE TABLE policies (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BYTEA NOT NULL REFERENCES principals (id),
    PRIMARY KEY (id, version)
);

CREATE TABLE emergencies (
    id INTEGER PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    study TEXT NOT NULL REFERENCES studies (id),
    reason_sealed BYTEA NOT NULL,
    began_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    review TEXT NOT NULL,
    reviewed_by BYTEA REFERENCES principals (id),
    reviewed_at BIGINT
);
CREATE INDEX emergencies_by_review ON emergencies (review, id);
CREATE INDEX emergencies_by_end ON emergencies (until);

CREATE TABLE second_factors (
    principal BYTEA PRIMARY KEY REFERENCES principals (id),
    totp_sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    principal BYTEA NOT NULL REFERENCES principals (id),
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (principal, code_hash)
);

-- Failed log-ins, by a digest of whom or what they concern.
CREATE TABLE lockouts (
    suspect BYTEA PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at BIGINT NOT NULL,
    locked_until BIGINT NOT NULL
);
CREATE INDEX lockouts_by_time ON lockouts (last_at);

-- Sessions outside the console.
CREATE TABLE principal_sessions (
    token_hash BYTEA PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    through TEXT NOT NULL,
    with_second_factor INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX principal_sessions_by_principal ON principal_sessions (principal);
