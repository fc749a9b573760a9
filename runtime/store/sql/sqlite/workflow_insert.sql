-- A workflow that is new on this database. job_name and project are the original's and hold what it wrote for workflows that
-- are graphs; what the options say about parallelism and description is kept beside them, for people and queries.
-- params: ?1 id, ?2 name, ?3 options JSON or NULL, ?4 snapshot id, ?5 script path, ?6 now
INSERT INTO workflows (id, name, description, job_name, region, project, executor_type, created_at, updated_at,
                       current_snapshot_id, max_parallel, max_active_runs, params_schema, script_path)
VALUES (?1, ?2, json_extract(?3, '$.description'), ?2, 'local', 'local', 'dag', ?6, ?6,
        ?4, json_extract(?3, '$.max_parallel'), json_extract(?3, '$.max_active_runs'), json_extract(?3, '$.params'), ?5)
