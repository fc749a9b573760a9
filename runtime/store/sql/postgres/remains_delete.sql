-- The folders are gone.
-- params: $1 array of run ids
DELETE FROM run_remains WHERE run_id = ANY ($1::uuid[])
