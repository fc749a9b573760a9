-- The host a run is bound to: its processes, or those of runs that its tasks wait for, may live there, and a server of it will take the run up, or may yet. No row: it may go anywhere.
-- params: $1 run id, $2 scheduler that wants it, $3 grace in ms
-- columns: host left_ms (NULL: as long as a server lives there)
WITH RECURSIVE family (id) AS (
    SELECT $1::uuid
    UNION
    SELECT (d.job_data ->> 'run')::uuid
    FROM family f
    JOIN tasks t ON t.run_id = f.id AND t.status = 'running' AND t.executor_type = 'workflow'
    JOIN deferred_jobs d ON d.task_id = t.id AND d.service_type = 'run' AND d.status IN ('pending', 'polling')
), elsewhere AS (
    SELECT DISTINCT a.host
    FROM family f
    JOIN tasks t ON t.run_id = f.id
    JOIN task_attempts a ON a.task_id = t.id AND a.attempt = t.attempt
    WHERE t.status IN ('dispatched', 'running') AND a.status IN ('dispatched', 'running')
      AND a.host <> (SELECT host FROM schedulers WHERE id = $2::uuid)
), stand AS (
    SELECT e.host, bool_or(s.state = 'live' AND s.role = 'serve') AS served,
           $3::bigint - (extract(epoch FROM clock_timestamp() - greatest(max(s.heartbeat_at), pg_postmaster_start_time())) * 1000)::bigint AS left_ms
    FROM elsewhere e
    JOIN schedulers s ON s.host = e.host AND (s.role = 'serve' OR s.id = (SELECT scheduler_id FROM runs WHERE id = $1::uuid))
    GROUP BY e.host
)
SELECT host, CASE WHEN served THEN NULL ELSE left_ms END AS left_ms
FROM stand
WHERE served OR left_ms > 0
ORDER BY served DESC, left_ms DESC
LIMIT 1
