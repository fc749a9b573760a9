-- Workflows whose schedule or script is in trouble: the script could not be loaded again, or the last time was not acted on as it should be.
-- params: $1 limit
-- columns: name schedule_note script_error script_path
SELECT name, schedule_note, script_error, script_path
FROM workflows
WHERE script_error IS NOT NULL OR schedule_note ->> 'kind' = 'failed'
ORDER BY name COLLATE "C"
LIMIT nullif(greatest($1::bigint, -1), -1)
