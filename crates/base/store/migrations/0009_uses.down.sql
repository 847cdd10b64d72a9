DROP TABLE guarded_uses;
