DROP TABLE recovery_reports;
