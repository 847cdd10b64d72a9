DROP TABLE people_unions;
DROP TABLE object_people;
DROP TABLE separations;
DROP TABLE merges;
DROP TABLE profile_jurisdictions;
DROP TABLE profiles;
DROP TABLE tokens;
