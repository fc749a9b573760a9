-- A session as Ork wants it, and whether it is a standby's: it, whatever the server's defaults are. $1 true: it writes; rows are found by index, also when statistics are of an empty table.
-- params: $1 writes, $2 name of the session
SELECT pg_is_in_recovery(), set_config('TimeZone', 'UTC', false), set_config('client_min_messages', 'error', false), set_config('lock_timeout', '4s', false),
       set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '30s', false),
       set_config('jit', 'off', false), -- what is found by index is never worth compiling
       set_config('application_name', $2::text, false),
       set_config('plan_cache_mode', CASE WHEN $1::boolean THEN 'force_generic_plan' ELSE 'auto' END, false),
       set_config('enable_seqscan', CASE WHEN $1::boolean THEN 'off' ELSE 'on' END, false),
       set_config('enable_hashjoin', CASE WHEN $1::boolean THEN 'off' ELSE 'on' END, false),
       set_config('enable_mergejoin', CASE WHEN $1::boolean THEN 'off' ELSE 'on' END, false)
