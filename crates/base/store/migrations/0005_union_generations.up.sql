-- The batch that last wrote a union, so that whoever has read it knows which ones to read again. Emptied ones stay.
ALTER TABLE people_unions ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
CREATE INDEX people_unions_by_generation ON people_unions (generation, study, labels);
