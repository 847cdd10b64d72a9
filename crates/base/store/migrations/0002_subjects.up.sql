-- Keyed tokens of identifiers. domain is null for full name and birth date.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    token BYTEA NOT NULL UNIQUE,
    domain BIGINT
);

-- A profile is a set of tokens as records carry it together; bitmaps hold profile ids. canonical is the profile
-- that stands for the data subject whom the profile describes.
CREATE TABLE profiles (
    id INTEGER PRIMARY KEY,
    tokens BYTEA NOT NULL UNIQUE,
    canonical INTEGER NOT NULL,
    first_seen_at BIGINT NOT NULL
);

CREATE TABLE profile_jurisdictions (
    profile_id INTEGER NOT NULL,
    jurisdiction TEXT NOT NULL,
    PRIMARY KEY (profile_id, jurisdiction)
);

-- Why two profiles are one person. ended_at: the link no longer holds, because of a separation or newer evidence.
CREATE TABLE merges (
    id INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    second INTEGER NOT NULL,
    token_id INTEGER NOT NULL,
    rule TEXT NOT NULL,
    merged_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX merges_by_first ON merges (first);
CREATE INDEX merges_by_second ON merges (second);

-- A person's decision that two profiles are two people.
CREATE TABLE separations (
    id INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    second INTEGER NOT NULL,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);

CREATE TABLE object_people (
    object_id INTEGER PRIMARY KEY,
    ids BYTEA NOT NULL
);

-- The union of the bitmaps of objects with the same study and labels, in chunks of 4,096 object ids.
CREATE TABLE people_unions (
    study TEXT NOT NULL,
    labels TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    ids BYTEA NOT NULL,
    PRIMARY KEY (study, labels, chunk)
);
