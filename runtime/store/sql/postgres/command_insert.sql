-- A wish for a run; its owner carries it out. The same wish twice (its commit's answer was lost) is one.
-- params: $1 id, $2 run id, $3 task id, $4 kind, $5 args, $6 by, $7 now
INSERT INTO commands (id, run_id, task_id, kind, args, "by", created_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::jsonb, $6::text, $7::timestamptz)
ON CONFLICT (id) DO NOTHING
