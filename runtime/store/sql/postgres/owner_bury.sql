-- A scheduler that was judged dead and has not beaten since. No row: it lives.
-- params: $1 id, $2 true: its lock has fallen, its beat does not count
-- columns: id
UPDATE schedulers SET state = 'dead'
WHERE id = $1::uuid AND state = 'live' AND ($2::boolean OR heartbeat_at < clock_timestamp() - interval '10 s')
RETURNING id
