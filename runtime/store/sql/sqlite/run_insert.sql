-- A new run, pending, owned by who creates it (NULL: by nobody yet).
-- params: ?1 id, ?2 workflow id, ?3 snapshot id, ?4 triggered_by, ?5 params, ?6 priority, ?7 key, ?8 scheduled_for, ?9 logical_at,
--   ?10 run timeout in seconds, ?11 tasks_total, ?12 script_dir, ?13 script_path, ?14 rerun_of, ?15 scheduler id, ?16 now, ?17 part,
--   ?18 the task it is run for (NULL: none)
INSERT INTO runs (id, workflow_id, snapshot_id, status, triggered_by, params, priority, idempotency_key, scheduled_for, logical_at,
                  run_timeout_seconds, tasks_total, next_task_index, script_dir, script_path, rerun_of, scheduler_id, created_at,
                  part, parent_task_id)
VALUES (?1, ?2, ?3, 'pending', coalesce(?4, 'manual'), ?5, ?6, ?7, ?8, ?9,
        ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
