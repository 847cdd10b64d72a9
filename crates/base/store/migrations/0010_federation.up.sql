-- How a session of the console began, and whether a second factor was shown.
ALTER TABLE sessions ADD COLUMN through TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN with_second_factor INTEGER NOT NULL DEFAULT 0;

-- Who may provision people over SCIM. Of the token only a digest is kept. Whom it provisions, the issuer vouches for under
-- the directory's own id, if there is one.
CREATE TABLE provisioners (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    issuer TEXT,
    token_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);

-- What a directory says of a principal that it provisioned. What it takes away goes from here, the principal stays.
CREATE TABLE provisioned (
    principal BYTEA PRIMARY KEY REFERENCES principals (id),
    provisioner TEXT NOT NULL REFERENCES provisioners (id),
    external_id TEXT,
    details TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX provisioned_by_external_id ON provisioned (external_id);
