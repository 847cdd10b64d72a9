DROP INDEX people_unions_by_generation;
ALTER TABLE people_unions DROP COLUMN generation;
