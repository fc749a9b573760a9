-- Where a workflow's schedule stands, for an operation that depends on it: the row is locked until that is done.
-- params: $1 workflow id
-- columns: next_scheduled_at schedule_enabled snapshot_id fire_waits
SELECT next_scheduled_at, schedule_enabled, current_snapshot_id AS snapshot_id, fire_waits FROM workflows WHERE id = $1::uuid FOR NO KEY UPDATE
