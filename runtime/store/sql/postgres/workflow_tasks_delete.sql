-- The original's table of a workflow's current tasks: what it says is of an older definition now. Ork keeps tasks in snapshots.
-- params: $1 workflow id
DELETE FROM workflow_tasks WHERE workflow_id = $1::uuid
