-- Marks a finished run as being removed: nobody finds it any more, its key is free again. The caller has made sure that nobody lives on it.
-- params: $1 run id, $2 now
UPDATE runs SET deleted_at = $2::timestamptz, idempotency_key = NULL, scheduled_for = NULL WHERE id = $1::uuid AND deleted_at IS NULL
