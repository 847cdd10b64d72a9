DROP TABLE change_totals;
