-- The changing columns of an owned run; ?8 true: nobody owns it any more. Only a run that succeeded has an output.
-- params: ?1 id, ?2 status, ?3 started_at, ?4 finished_at, ?5 error, ?6 cancel reason, ?7 killed, ?8 release, ?9 output
UPDATE runs
SET status = ?2, started_at = ?3, finished_at = ?4, error = ?5, cancel_reason = ?6, killed = ?7, output = ?9,
    scheduler_id = CASE WHEN ?8 THEN NULL ELSE scheduler_id END
WHERE id = ?1
