-- Removes the first tasks of a run with their attempts, about ?2 rows: the task that reaches that number is the last.
-- params: ?1 run id, ?2 rows
DELETE FROM tasks
WHERE rowid IN (
    SELECT no
    FROM (
        SELECT no, own, sum(own) OVER (ORDER BY task_index) AS rows
        FROM (
            SELECT t.rowid AS no, t.task_index,
                   1 + (SELECT count(*) FROM task_attempts WHERE task_id = t.id) + (SELECT count(*) FROM deferred_jobs WHERE task_id = t.id)
                   + (SELECT count(*) FROM artifacts WHERE task_id = t.id) AS own
            FROM tasks t
            WHERE t.run_id = ?1
            ORDER BY t.task_index
            LIMIT ?2
        )
    )
    WHERE rows - own < ?2
)
