DELETE FROM counters WHERE name = 'indexed ranks';
