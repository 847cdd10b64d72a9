DROP TABLE incident_entries;
DROP TABLE incidents;
