-- Objects are found by rank of risk too. A catalogue that has objects already is indexed when that is first asked for.
INSERT INTO counters (name, value) SELECT 'indexed ranks', 1 WHERE NOT EXISTS (SELECT 1 FROM objects);
