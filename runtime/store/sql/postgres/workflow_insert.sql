-- A workflow that is new on this database. job_name and project are the original's and hold what it wrote for workflows that
-- are graphs; what the options say about parallelism and description is kept beside them, for people and queries. No row: somebody was quicker. Its
-- snapshot comes next (workflow_point).
-- params: $1 id, $2 name, $3 options JSON or NULL, $4 script path, $5 now
-- columns: id
INSERT INTO workflows (id, name, description, job_name, region, project, executor_type, created_at, updated_at,
                       max_parallel, max_active_runs, params_schema, script_path)
VALUES ($1::uuid, $2::text, $3::jsonb ->> 'description', $2::text, 'local', 'local', 'dag', $5::timestamptz, $5::timestamptz,
        ($3::jsonb ->> 'max_parallel')::integer, ($3::jsonb ->> 'max_active_runs')::integer, $3::jsonb -> 'params', $4::text)
ON CONFLICT (name) DO NOTHING
RETURNING id
