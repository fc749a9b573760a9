-- A schedule is switched, or gets another next time (or the same, and another instant to act on it). $2 1: on; 0: off, by the operator; NULL: the switch stays.
-- params: $1 workflow id, $2 switch, $3 next time, $4 the instant to act on it, $5 now
UPDATE workflows
SET schedule_enabled = coalesce($2::integer <> 0, schedule_enabled), next_scheduled_at = $3::timestamptz, fire_at = $4::timestamptz,
    fire_waits = CASE WHEN next_scheduled_at IS NOT DISTINCT FROM $3::timestamptz THEN fire_waits ELSE false END,
    schedule_off_at = CASE $2::integer WHEN 0 THEN $5::timestamptz WHEN 1 THEN NULL ELSE schedule_off_at END
WHERE id = $1::uuid
