-- What `ork doctor` says of the server and of this role's place on it. Connections left: those that nobody may take any more are not counted.
-- params: none
-- columns: version version_num schema now size used left backend standby may_create autovacuum
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       current_setting('server_version_num')::bigint AS version_num,
       (SELECT max(version) FROM ork_migrations)::bigint AS schema,
       clock_timestamp() AS now,
       pg_database_size(current_database()) AS size,
       a.used,
       least(current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint - a.used,
             CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit - a.here END,
             CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit - a.mine END) AS "left",
       pg_backend_pid()::bigint AS backend,
       pg_is_in_recovery() AS standby,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
       current_setting('autovacuum')::boolean AS autovacuum
FROM pg_database d, pg_roles r,
     (SELECT count(*) AS used, count(*) FILTER (WHERE datname = current_database()) AS here,
             count(*) FILTER (WHERE usename = current_user) AS mine
      FROM pg_stat_activity WHERE backend_type = 'client backend') a
WHERE d.datname = current_database() AND r.rolname = current_user
