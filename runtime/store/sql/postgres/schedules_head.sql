-- What comes next: schedules that are on, the next first.
-- params: $1 limit
-- columns: name next_scheduled_at fire_at fire_waits schedule schedule_options
SELECT name, next_scheduled_at, fire_at, fire_waits, schedule, schedule_options
FROM workflows
WHERE schedule_enabled AND next_scheduled_at IS NOT NULL
ORDER BY next_scheduled_at, name COLLATE "C"
LIMIT nullif(greatest($1::bigint, -1), -1)
