-- Removes the first tasks of a run with their attempts, about $2 rows: the task that reaches that number is the last.
-- params: $1 run id, $2 rows
-- columns: rows direct
WITH parts AS (
    SELECT id, own, sum(own) OVER (ORDER BY task_index, id) AS rows
    FROM (SELECT t.id, t.task_index,
                 1 + (SELECT count(*) FROM task_attempts a WHERE a.task_id = t.id) + (SELECT count(*) FROM deferred_jobs d WHERE d.task_id = t.id)
                 + (SELECT count(*) FROM artifacts f WHERE f.task_id = t.id) AS own
          FROM tasks t
          WHERE t.run_id = $1::uuid
          ORDER BY t.task_index
          LIMIT nullif(greatest($2::bigint, -1), -1)) first
), gone AS (
    DELETE FROM tasks WHERE id IN (SELECT id FROM parts WHERE rows - own < $2::bigint) RETURNING id
)
SELECT coalesce(sum(s.own), 0)::bigint AS rows, count(*) AS direct
FROM gone g
JOIN parts s ON s.id = g.id
