-- One task of a run by name, with everything it holds; of items only those of the list their task has now, which
-- are found by its name and their number.
-- params: $1 run id, $2 task name
-- columns: id run_id task_index task_name executor_type depends_on status attempt attempts max_retries lost kind execution_name params
--   error timeout_seconds retry_at dispatched_at started_at finished_at created_at map_index map_parent pool priority trigger_rule
--   map_count map_first
--   output logs
SELECT id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, max_retries, lost, kind, execution_name,
       params, error, timeout_seconds, retry_at, dispatched_at, started_at, finished_at, created_at, map_index, map_parent, pool,
       priority, trigger_rule, map_count, map_first,
       output, logs
FROM (
    SELECT *
    FROM tasks
    WHERE run_id = $1::uuid AND task_name = $2::text AND map_parent IS NULL
    UNION ALL
    SELECT t.*
    FROM (SELECT substring($2::text from '^(.*)/[1-9][0-9]{0,7}$') AS task, substring($2::text from '/([1-9][0-9]{0,7})$')::integer AS item) n
    JOIN tasks of_list ON of_list.run_id = $1::uuid AND of_list.task_name = n.task AND of_list.map_parent IS NULL AND n.item <= of_list.map_count
    JOIN tasks t ON t.run_id = $1::uuid AND t.task_index = of_list.map_first + n.item - 1 AND t.map_parent = of_list.id
) named
ORDER BY task_index DESC
LIMIT 1
