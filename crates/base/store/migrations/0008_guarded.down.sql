DROP TABLE guarded_parts;
DROP TABLE guarded_uploads;
DROP TABLE guarded_versions;
DROP TABLE guarded_studies;
