-- The copy into this database is whole.
-- params: none
DELETE FROM copies
