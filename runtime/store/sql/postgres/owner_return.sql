-- A scheduler that lost its session goes on in another. No row: it was declared dead meanwhile.
-- params: $1 id, $2 backend pid or NULL
-- columns: last_batch
UPDATE schedulers SET backend_pid = $2::integer, heartbeat_at = clock_timestamp() WHERE id = $1::uuid AND state = 'live' RETURNING last_batch
