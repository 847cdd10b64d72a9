-- Passkeys of people who use the console (W3C Web Authentication). No secret is in them: `credential` is the public key with
-- its counter, as it was last seen.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    principal BYTEA NOT NULL REFERENCES principals (id),
    -- The authenticator's own id of it.
    credential_id BYTEA NOT NULL UNIQUE,
    credential TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    -- When its counter last went back, if it ever did: there may be two of it.
    suspected_at BIGINT
);
CREATE INDEX passkeys_by_principal ON passkeys (principal, created_at);
