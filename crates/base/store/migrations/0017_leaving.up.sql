-- Notice of leaving that was noted here: the last day of whoever leaves, a date of RFC 3339. What a directory says over SCIM stays
-- with what it said.
CREATE TABLE leaving (
    principal BYTEA PRIMARY KEY REFERENCES principals (id),
    last_day TEXT NOT NULL,
    noted_at BIGINT NOT NULL,
    noted_by BYTEA NOT NULL
);
