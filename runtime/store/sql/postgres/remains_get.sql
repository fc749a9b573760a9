-- The folder of a removed run's logs.
-- params: $1 run id
-- columns: dir
SELECT dir FROM run_remains WHERE run_id = $1::uuid
