-- Makes a version the current definition of its workflow: what the options say is kept beside it, for people and queries. Whether its schedule
-- is on is the operator's, not the script's.
-- params: $1 workflow id, $2 version, $3 snapshot id, $4 script path, $5 now
UPDATE workflows
SET current_version = $2::integer, current_snapshot_id = $3::uuid, script_path = $4::text, updated_at = $5::timestamptz,
    (description, max_parallel, max_active_runs, params_schema, schedule, timezone, catchup, overlap, jitter_seconds, dst) =
    (SELECT options ->> 'description', (options ->> 'max_parallel')::integer, (options ->> 'max_active_runs')::integer,
            options -> 'params',
            coalesce(options #>> '{schedule,cron}', '@every ' || (options #>> '{schedule,every_ms}')::bigint / 1000 || 's'),
            options #>> '{schedule,timezone}',
            options #>> '{schedule,catchup}', options #>> '{schedule,overlap}',
            ((options #>> '{schedule,jitter_ms}')::bigint / 1000)::integer, options #>> '{schedule,dst}'
     FROM workflow_snapshots WHERE id = $3::uuid)
WHERE id = $1::uuid
