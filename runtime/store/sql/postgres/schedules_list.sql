-- Workflows with a schedule, by name, a page at a time.
-- params: $1 name or NULL, $2 true: only those that are on, $3 name before the page or NULL, $4 limit
-- columns: id name schedule schedule_options timezone schedule_enabled schedule_off_at next_scheduled_at fire_at fire_waits last_scheduled_at
--   schedule_note script_error script_path
SELECT id, name, schedule, schedule_options, timezone, schedule_enabled, schedule_off_at, next_scheduled_at, fire_at, fire_waits,
       last_scheduled_at, schedule_note, script_error, script_path
FROM workflows
WHERE ($1::text IS NULL OR name = $1::text) AND (schedule IS NOT NULL OR schedule_options IS NOT NULL) AND (NOT $2::boolean OR schedule_enabled)
  AND name > coalesce($3::text, '') COLLATE "C"
ORDER BY name COLLATE "C"
LIMIT nullif(greatest($4::bigint, -1), -1)
