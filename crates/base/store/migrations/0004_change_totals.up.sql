-- Changes of one moment by kind: what happened since some day is a sum over batches, not over objects.
CREATE TABLE change_totals (
    happened_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    changes BIGINT NOT NULL,
    PRIMARY KEY (happened_at, kind)
);
INSERT INTO change_totals (happened_at, kind, changes)
SELECT happened_at, kind, COUNT(*) FROM changes GROUP BY happened_at, kind;
