-- How many tasks of a run stand where, and how many of those only wait for a deferred job (a time, a person, a run, another service), without
-- a slot and a process: a task with items where all that are under way do. Not those its definition has no more, nor items of tasks.
-- params: $1 run id
-- columns: status count waiting
SELECT status, count(*) AS count, sum(waits) AS waiting
FROM (
    SELECT t.status,
           CASE
               WHEN t.status <> 'running' THEN 0
               WHEN EXISTS (SELECT 1 FROM deferred_jobs d WHERE d.task_id = t.id AND d.status IN ('pending', 'polling')) THEN 1
               WHEN t.map_count IS NULL THEN 0
               ELSE (
                   SELECT CASE WHEN count(*) > 0 AND count(*) = sum(CASE WHEN i.status = 'running' AND EXISTS (
                       SELECT 1 FROM deferred_jobs d WHERE d.task_id = i.id AND d.status IN ('pending', 'polling')) THEN 1 ELSE 0 END)
                       THEN 1 ELSE 0 END
                   FROM tasks i
                   WHERE i.run_id = t.run_id AND i.task_index BETWEEN t.map_first AND t.map_first + t.map_count - 1
                     AND i.status IN ('dispatched', 'running'))
           END AS waits
    FROM tasks t
    WHERE t.run_id = $1::uuid AND t.task_index BETWEEN 0 AND 16777215) AS counted
GROUP BY status
ORDER BY status
