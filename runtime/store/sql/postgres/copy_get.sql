-- The copy into this database, while it is not finished.
-- params: none
-- columns: source progress
SELECT source, progress FROM copies
