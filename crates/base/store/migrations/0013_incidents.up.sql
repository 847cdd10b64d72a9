-- Incidents: what people do when it happens. Everything is in the entries; a row says where the case stands, for lists.
CREATE TABLE incidents (
    id BIGINT PRIMARY KEY,
    -- Random; the name under which it is in the record.
    uid TEXT NOT NULL UNIQUE,
    -- How many entries it has: who adds one says how many there were.
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    study TEXT,
    finding BIGINT,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- When the next clock ends; NULL: none runs.
    due_at BIGINT,
    title_sealed BYTEA NOT NULL
);
CREATE INDEX incidents_by_state ON incidents (state, due_at, id);

-- One thing that was done or said, as JSON, sealed. None is ever changed or taken away.
CREATE TABLE incident_entries (
    incident BIGINT NOT NULL REFERENCES incidents (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    by_principal BYTEA NOT NULL,
    -- The entry of the record that announced it.
    recorded BIGINT NOT NULL,
    what_sealed BYTEA NOT NULL,
    PRIMARY KEY (incident, number)
);
