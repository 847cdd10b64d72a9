DROP TABLE watch_places;
DROP TABLE rule_hits;
DROP TABLE suppressions;
DROP TABLE finding_notes;
DROP TABLE finding_evidence;
DROP TABLE findings;
