-- A workflow that has no current version any more: it cannot be started by its name; its versions and runs stay.
-- params: ?1 workflow id, ?2 now
UPDATE workflows
SET current_version = NULL, schedule_enabled = 0, next_scheduled_at = NULL, fire_at = NULL, fire_waits = 0, schedule_options = NULL,
    updated_at = ?2
WHERE id = ?1
