-- What was worked out over the whole catalogue, so that a server that starts need not do it again: it holds for the batch that it names
-- (counter `generation`), and is worked out anew once another has been written.
CREATE TABLE kept_answers (
    name TEXT PRIMARY KEY,
    generation BIGINT NOT NULL,
    answer BYTEA NOT NULL
);
