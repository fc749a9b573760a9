-- One task of a run, pending; a row that is there already stays as it is (insertion goes on after a crash).
-- params: ?1 id, ?2 run id, ?3 task_index, ?4 name, ?5 executor, ?6 depends_on JSON, ?7 params JSON, ?8 max_retries,
--   ?9 timeout in seconds, ?10 pool, ?11 priority, ?12 trigger rule, ?13 now
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, status, params, max_retries, timeout_seconds, pool,
                   priority, trigger_rule, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT DO NOTHING
