-- A run has ended: the schedule that started it and waits for it is due again.
-- params: ?1 run id
UPDATE workflows SET fire_at = next_scheduled_at
WHERE id = (SELECT workflow_id FROM runs WHERE id = ?1 AND triggered_by = 'schedule') AND fire_waits = 1 AND fire_at IS NULL
