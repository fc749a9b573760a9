-- The tasks of a workflow's current definition, with their signatures, in the original's table: for people and for programs that read it. Ork
-- itself reads snapshots. Those that are there already are those of the same definition.
-- params: $1 workflow id, $2 snapshot id, $3 now
INSERT INTO workflow_tasks (workflow_id, task_index, task_name, executor_type, depends_on, params, signature, created_at)
SELECT $1::uuid, (t ->> 'task_index')::integer, t ->> 'task_name', coalesce(t ->> 'executor_type', 'process'),
       ARRAY(SELECT jsonb_array_elements_text(coalesce(t -> 'depends_on', '[]'))), t -> 'params', t -> 'signature', $3::timestamptz
FROM workflow_snapshots AS s, jsonb_array_elements(s.tasks_json) AS t
WHERE s.id = $2::uuid AND NOT EXISTS (SELECT 1 FROM workflow_tasks WHERE workflow_id = $1::uuid)
