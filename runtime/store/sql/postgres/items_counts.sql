-- How many items of a task that have a row stand where, and how many of those only wait for a deferred job.
-- params: $1 run id, $2 first task_index, $3 last one
-- columns: status count waiting
SELECT status, count(*) AS count,
       sum(CASE WHEN status = 'running' AND EXISTS (
           SELECT 1 FROM deferred_jobs d WHERE d.task_id = tasks.id AND d.status IN ('pending', 'polling')) THEN 1 ELSE 0 END) AS waiting
FROM tasks
WHERE run_id = $1::uuid AND task_index BETWEEN $2::integer AND $3::integer
GROUP BY status
ORDER BY status
