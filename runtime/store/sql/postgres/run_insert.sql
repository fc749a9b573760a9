-- A new run, pending, owned by who creates it (NULL: by nobody yet). No row: its key or its scheduled instant has a run already.
-- params: $1 id, $2 workflow id, $3 snapshot id, $4 triggered_by, $5 params, $6 priority, $7 key, $8 scheduled_for, $9 logical_at,
--   $10 run timeout in seconds, $11 tasks_total, $12 script_dir, $13 script_path, $14 rerun_of, $15 scheduler id, $16 now, $17 part,
--   $18 the task it is run for (NULL: none)
INSERT INTO runs (id, workflow_id, snapshot_id, status, triggered_by, params, priority, idempotency_key, scheduled_for, logical_at,
                  run_timeout_seconds, tasks_total, next_task_index, script_dir, script_path, rerun_of, scheduler_id, created_at,
                  part, parent_task_id)
VALUES ($1::uuid, $2::uuid, $3::uuid, 'pending', coalesce($4::text, 'manual'), $5::jsonb, $6::integer, $7::text, $8::timestamptz,
        $9::timestamptz, $10::double precision, $11::integer, $11::integer, $12::text, $13::text, $14::uuid, $15::uuid, $16::timestamptz,
        $17::jsonb, $18::uuid)
ON CONFLICT DO NOTHING
RETURNING id
