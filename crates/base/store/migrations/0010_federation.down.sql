DROP TABLE provisioned;
DROP TABLE provisioners;
ALTER TABLE sessions DROP COLUMN with_second_factor;
ALTER TABLE sessions DROP COLUMN through;
