-- A scheduler that is live by its row stops being so; a second one does nothing.
-- params: $1 id, $2 'dead' or 'ended'
UPDATE schedulers SET state = $2::text WHERE id = $1::uuid AND state = 'live'
