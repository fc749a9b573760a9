-- One task of a run by name, with everything it holds; of items only those of the list their task has now, which
-- are found by its name and their number.
-- params: ?1 run id, ?2 task name
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
    WHERE run_id = ?1 AND task_name = ?2 AND map_parent IS NULL
    UNION ALL
    SELECT t.*
    FROM tasks of_list
    JOIN tasks t ON t.run_id = ?1 AND t.map_parent = of_list.id
        AND t.task_index = of_list.map_first + CAST(substr(?2, length(rtrim(?2, '0123456789')) + 1) AS INTEGER) - 1
    WHERE of_list.run_id = ?1 AND of_list.task_name = substr(?2, 1, length(rtrim(?2, '0123456789')) - 1) AND of_list.map_parent IS NULL
      AND of_list.map_count >= CAST(substr(?2, length(rtrim(?2, '0123456789')) + 1) AS INTEGER)
      AND length(?2) - length(rtrim(?2, '0123456789')) BETWEEN 1 AND 8
      AND rtrim(?2, '0123456789') LIKE '%/' AND rtrim(?2, '0123456789') || '0' <> substr(?2, 1, length(rtrim(?2, '0123456789')) + 1)
) named
ORDER BY task_index DESC
LIMIT 1
