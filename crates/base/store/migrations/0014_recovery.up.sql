-- Backups, checks, drills and looks at watched folders, each with its report. The record says that they were; these say what came
-- of them. The oldest go when there are too many.
CREATE TABLE recovery_reports (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    -- `KIND:NAME` is what it is called in the record.
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    -- NULL: it goes on, or was killed.
    ended_at BIGINT,
    by_principal BYTEA NOT NULL,
    -- The way in: `console`, `cli`, `schedule`.
    through TEXT NOT NULL,
    -- The main repository's snapshot that it made or is about.
    snapshot TEXT,
    -- Entries of the record that say that it began, and that it ended.
    began_entry BIGINT,
    ended_entry BIGINT,
    -- As the commands print it, in JSON.
    report TEXT NOT NULL,
    UNIQUE (kind, name)
);
CREATE INDEX recovery_reports_by_time ON recovery_reports (began_at, id);
