-- Files that attempts left to be kept; each replaces one of that name of an earlier attempt.
-- params: arrays of one length: $1 task id, $2 name, $3 run id, $4 attempt, $5 hash, $6 bytes, $7 created_at
INSERT INTO artifacts (task_id, name, run_id, attempt, hash, bytes, created_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::bigint[], $7::timestamptz[])
ON CONFLICT (task_id, name) DO UPDATE
SET attempt = excluded.attempt, hash = excluded.hash, bytes = excluded.bytes, created_at = excluded.created_at
