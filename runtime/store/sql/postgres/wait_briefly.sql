-- How long this session waits for a lock at most.
-- params: $1 time, "60s"
SELECT set_config('lock_timeout', $1::text, false)
