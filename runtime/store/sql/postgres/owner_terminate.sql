-- Ends the sessions of a scheduler that is being declared dead: it may hold locks half-way through a batch. A session is known by its name, which
-- holds the scheduler's id; a number alone may be somebody else's by now.
-- params: $1 name
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1::text AND pid <> pg_backend_pid()
