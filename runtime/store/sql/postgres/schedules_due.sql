-- Schedules in the order in which they are to be acted on.
-- params: $1 limit
-- columns: id name next_scheduled_at fire_at fire_waits schedule schedule_options timezone snapshot_id
SELECT id, name, next_scheduled_at, fire_at, fire_waits, schedule, schedule_options, timezone, current_snapshot_id AS snapshot_id
FROM workflows
WHERE fire_at IS NOT NULL
ORDER BY fire_at, id
LIMIT nullif(greatest($1::bigint, -1), -1)
