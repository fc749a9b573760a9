-- Unfinished runs, whosever, counted up to a limit; for "is there any at all?".
-- params: ?1 limit
-- columns: n
SELECT count(*) AS n FROM (
    SELECT id FROM runs
    WHERE status IN ('pending', 'running', 'paused')
    LIMIT ?1) AS found
