-- A workflow that has no current version any more: it cannot be started by its name; its versions and runs stay.
-- params: $1 workflow id, $2 now
UPDATE workflows
SET current_version = NULL, schedule_enabled = false, next_scheduled_at = NULL, fire_at = NULL, fire_waits = false, schedule_options = NULL,
    updated_at = $2::timestamptz
WHERE id = $1::uuid
