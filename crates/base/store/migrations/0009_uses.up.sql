-- How much principals took from studies on their last day, for the limits of the S3 gateway.
CREATE TABLE guarded_uses (
    principal BYTEA NOT NULL,
    study TEXT NOT NULL,
    -- Days since 1970, UTC.
    day BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    subjects BIGINT NOT NULL,
    PRIMARY KEY (principal, study)
);
