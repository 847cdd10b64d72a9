DROP TABLE leaving;
