-- What the running tasks of a run wait for: their open deferred jobs. What recovery goes on with, and what is said of them; of an approval
-- the wish that decided it, until it is carried out.
-- params: ?1 run id
-- columns: id task_id service_type job_id job_data status error created_at started_at last_polled_at finished_at task_index attempt wish wish_args wish_at
SELECT d.id, d.task_id, d.service_type, d.job_id, d.job_data, d.status, d.error, d.created_at, d.started_at, d.last_polled_at, d.finished_at,
       t.task_index, t.attempt, c.kind AS wish, c.args AS wish_args, c.created_at AS wish_at
FROM tasks t
JOIN deferred_jobs d ON d.task_id = t.id
LEFT JOIN commands c ON c.id = (SELECT o.id FROM commands o
  WHERE d.service_type = 'approval' AND o.run_id = t.run_id AND o.task_id = t.id AND o.done_at IS NULL AND o.kind IN ('approve', 'reject')
  ORDER BY o.created_at, o.id LIMIT 1)
WHERE t.run_id = ?1 AND t.status IN ('dispatched', 'running') AND d.status IN ('pending', 'polling')
ORDER BY t.task_index, d.created_at, d.id
