-- The changing columns of owned runs; release true: nobody owns it any more. Only a run that succeeded has an output.
-- params: arrays of one length: $1 id, $2 status, $3 started_at, $4 finished_at, $5 error, $6 cancel reason, $7 killed, $8 release,
--   $9 output
UPDATE runs r
SET status = u.status, started_at = u.started_at, finished_at = u.finished_at, error = u.error, cancel_reason = u.cancel_reason,
    killed = u.killed, output = u.output, scheduler_id = CASE WHEN u.release THEN NULL ELSE r.scheduler_id END
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::integer[], $7::integer[], $8::boolean[],
            $9::jsonb[])
     AS u (id, status, started_at, finished_at, error, cancel_reason, killed, release, output)
WHERE r.id = u.id
