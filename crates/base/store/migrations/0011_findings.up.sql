-- What detection found: one row for matches of one rule about the same actor and study that follow each other closely.
CREATE TABLE findings (
    id BIGINT PRIMARY KEY,
    -- The id under which it is recorded; told from rule, subject and first evidence, so that watching again gives the same.
    uid TEXT NOT NULL UNIQUE,
    -- What later matches must share to belong here.
    dedupe_key TEXT NOT NULL,
    -- `rule`, `correlation`, `behaviour` or `indicator`.
    found_by TEXT NOT NULL,
    rule TEXT NOT NULL,
    title TEXT NOT NULL,
    level TEXT NOT NULL,
    tags TEXT NOT NULL,
    -- 0 to 100: by level, by what it touches, and by what reviewers said of the rule.
    rank_points BIGINT NOT NULL,
    principal BYTEA,
    study TEXT,
    labels TEXT NOT NULL,
    subjects BIGINT NOT NULL,
    matches BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    verdict TEXT,
    owner BYTEA,
    changed_at BIGINT NOT NULL,
    -- Words, values and names, sealed.
    story_sealed BYTEA NOT NULL
);
CREATE INDEX findings_by_key ON findings (dedupe_key, last_at);
CREATE INDEX findings_by_state ON findings (state, rank_points, id);
CREATE INDEX findings_by_principal ON findings (principal, last_at);

-- The entries of the record that a finding stands on.
CREATE TABLE finding_evidence (
    finding BIGINT NOT NULL REFERENCES findings (id),
    entry BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (finding, entry)
);

-- What somebody said or did about a finding.
CREATE TABLE finding_notes (
    id BIGINT PRIMARY KEY,
    finding BIGINT NOT NULL REFERENCES findings (id),
    by_principal BYTEA NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    text_sealed BYTEA NOT NULL
);
CREATE INDEX finding_notes_by_finding ON finding_notes (finding, id);

-- Matches that need nobody's attention, until a day.
CREATE TABLE suppressions (
    id BIGINT PRIMARY KEY,
    rule TEXT NOT NULL,
    principal BYTEA,
    study TEXT,
    reason_sealed BYTEA NOT NULL,
    by_principal BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    hits BIGINT NOT NULL
);

-- How often a rule fired, and what reviewers said of it.
CREATE TABLE rule_hits (
    rule TEXT PRIMARY KEY,
    matches BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    dismissed BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

-- Up to where the record was watched.
CREATE TABLE watch_places (
    name TEXT PRIMARY KEY,
    entry BIGINT NOT NULL
);
