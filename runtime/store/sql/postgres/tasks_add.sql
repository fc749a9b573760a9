-- Tasks of runs, pending, as tasks_insert; a row that is there already is an error (23505), after which that is asked instead. Looking for it in
-- two indexes, and writing so that it can be taken back, is a quarter of what an insertion costs.
-- params: arrays of one length: $1 id, $2 run id, $3 task_index, $4 name, $5 executor, $6 depends_on as the text of an array, $7 params JSON,
--   $8 max_retries, $9 timeout in seconds, $10 pool, $11 priority, $12 trigger rule, $13 now
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, status, params, max_retries, timeout_seconds, pool,
                   priority, trigger_rule, created_at)
SELECT u.id, u.run_id, u.task_index, u.name, u.executor, u.depends::text[], 'pending', u.params, u.max_retries, u.timeout, u.pool, u.priority,
       u.rule, u.now
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::integer[], $9::integer[], $10::text[],
            $11::integer[], $12::text[], $13::timestamptz[])
     AS u (id, run_id, task_index, name, executor, depends, params, max_retries, timeout, pool, priority, rule, now)
