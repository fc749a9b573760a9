-- Runs have ended: the schedules that started them and wait for them are due again, and whoever looks after schedules is told.
-- params: $1 array of run ids, $2 channel, $3 who tells
WITH due AS (
    UPDATE workflows w SET fire_at = w.next_scheduled_at
    FROM runs r
    WHERE r.id = ANY ($1::uuid[]) AND r.triggered_by = 'schedule' AND w.id = r.workflow_id AND w.fire_waits AND w.fire_at IS NULL
    RETURNING 1
)
SELECT pg_notify($2::text, $3::text) FROM (SELECT 1 FROM due LIMIT 1) one
