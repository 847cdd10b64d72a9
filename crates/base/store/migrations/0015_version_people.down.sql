DROP TABLE version_people;
