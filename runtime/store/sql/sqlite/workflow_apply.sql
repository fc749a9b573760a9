-- Makes a version the current definition of its workflow: what the options say is kept beside it, for people and queries. Whether its schedule
-- is on is the operator's, not the script's.
-- params: ?1 workflow id, ?2 version, ?3 snapshot id, ?4 script path, ?5 now
UPDATE workflows
SET current_version = ?2, current_snapshot_id = ?3, script_path = ?4, updated_at = ?5,
    (description, max_parallel, max_active_runs, params_schema, schedule, timezone, catchup, overlap, jitter_seconds, dst) =
    (SELECT json_extract(options, '$.description'), json_extract(options, '$.max_parallel'), json_extract(options, '$.max_active_runs'),
            json_extract(options, '$.params'),
            coalesce(json_extract(options, '$.schedule.cron'), '@every ' || json_extract(options, '$.schedule.every_ms') / 1000 || 's'),
            json_extract(options, '$.schedule.timezone'),
            json_extract(options, '$.schedule.catchup'), json_extract(options, '$.schedule.overlap'),
            json_extract(options, '$.schedule.jitter_ms') / 1000, json_extract(options, '$.schedule.dst')
     FROM workflow_snapshots WHERE id = ?3)
WHERE id = ?1
