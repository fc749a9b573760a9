-- How many runs runs_old gives, and how many tasks they have.
-- params: $1 to $4 as runs_old
-- columns: runs tasks
SELECT count(*) AS runs, coalesce(sum(r.tasks_total), 0) AS tasks
FROM runs r
WHERE r.workflow_id = $1::uuid
  AND (r.created_at, r.id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  AND r.status IN ('success', 'failed', 'cancelled')
  AND r.deleted_at IS NULL
  AND coalesce(r.finished_at, r.created_at) < coalesce($2::timestamptz, 'infinity')
