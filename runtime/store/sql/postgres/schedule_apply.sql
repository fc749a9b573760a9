-- The schedule of the definition that became current. One that is the same keeps its next time, so that what was missed is still caught up; another
-- begins from now. It is on unless the operator switched it off.
-- params: $1 workflow id, $2 the option as JSON or NULL, $3 its next time from now, $4 the instant to act on that
UPDATE workflows
SET schedule_enabled = ($2::jsonb IS NOT NULL AND schedule_off_at IS NULL),
    next_scheduled_at = CASE WHEN $2::jsonb IS NULL OR schedule_off_at IS NOT NULL THEN NULL
                             WHEN schedule_options IS NOT DISTINCT FROM $2::jsonb AND schedule_enabled THEN next_scheduled_at
                             ELSE $3::timestamptz END,
    fire_at = CASE WHEN $2::jsonb IS NULL OR schedule_off_at IS NOT NULL THEN NULL
                   WHEN schedule_options IS NOT DISTINCT FROM $2::jsonb AND schedule_enabled THEN fire_at ELSE $4::timestamptz END,
    fire_waits = (schedule_options IS NOT DISTINCT FROM $2::jsonb AND schedule_enabled AND fire_waits),
    schedule_note = CASE WHEN schedule_options IS NOT DISTINCT FROM $2::jsonb THEN schedule_note END,
    schedule_options = $2::jsonb, script_error = NULL
WHERE id = $1::uuid
