-- Finished runs of a workflow that may go, oldest first, a page at a time.
-- params: $1 workflow id, $2 finished before (time) or NULL, $3 created_at and $4 id of the oldest run that is kept, or NULL,
--   $5 created_at and $6 id of the row before this page or NULL, $7 limit
-- columns: id created_at tasks_total
SELECT r.id, r.created_at, r.tasks_total
FROM runs r
WHERE r.workflow_id = $1::uuid
  AND (r.created_at, r.id) > (coalesce($5::timestamptz, '-infinity'), coalesce($6::uuid, '00000000-0000-0000-0000-000000000000'))
  AND (r.created_at, r.id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  AND r.status IN ('success', 'failed', 'cancelled')
  AND r.deleted_at IS NULL
  AND coalesce(r.finished_at, r.created_at) < coalesce($2::timestamptz, 'infinity')
ORDER BY r.created_at, r.id
LIMIT nullif(greatest($7::bigint, -1), -1)
