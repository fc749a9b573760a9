-- Something went wrong with a schedule, or no more.
-- params: $1 workflow id, $2 note (JSON) or NULL
UPDATE workflows SET schedule_note = $2::jsonb WHERE id = $1::uuid
