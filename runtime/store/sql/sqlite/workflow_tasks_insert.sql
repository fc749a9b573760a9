-- The tasks of a workflow's current definition, with their signatures, in the original's table: for people and for programs that read it. Ork
-- itself reads snapshots. Those that are there already are those of the same definition.
-- params: ?1 workflow id, ?2 snapshot id, ?3 now
INSERT INTO workflow_tasks (id, workflow_id, task_index, task_name, executor_type, depends_on, params, signature, created_at)
SELECT randomblob(16), ?1, t.value ->> '$.task_index', t.value ->> '$.task_name', coalesce(t.value ->> '$.executor_type', 'process'),
       coalesce(t.value -> '$.depends_on', '[]'), t.value -> '$.params', t.value -> '$.signature', ?3
FROM workflow_snapshots AS s, json_each(s.tasks_json) AS t
WHERE s.id = ?2 AND NOT EXISTS (SELECT 1 FROM workflow_tasks WHERE workflow_id = ?1)
