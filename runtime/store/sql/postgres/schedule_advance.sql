-- A schedule goes on to its next time.
-- params: $1 workflow id, $2 next time or NULL: none any more, $3 the instant to act on it, $4 the time that was acted on or NULL: none, $5 note
--   (JSON) or NULL: as it is, $6 true: the next time has waited too
UPDATE workflows
SET next_scheduled_at = $2::timestamptz, fire_at = $3::timestamptz, fire_waits = $6::boolean,
    last_scheduled_at = coalesce($4::timestamptz, last_scheduled_at), schedule_note = coalesce($5::jsonb, schedule_note)
WHERE id = $1::uuid
