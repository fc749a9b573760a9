-- Tables of Ork that the server should have cleaned up or counted by now: many dead rows, or many changes since it last looked at them.
-- params: $1 names "runs,tasks"
-- columns: name dead live changed
SELECT relname::text AS name, n_dead_tup AS dead, n_live_tup AS live, n_mod_since_analyze AS changed
FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname = ANY (string_to_array($1::text, ','))
  AND (n_dead_tup > 10000 + n_live_tup / 2 OR n_mod_since_analyze > 10000 + n_live_tup / 2)
ORDER BY relname
