-- Before the tasks of another definition take their place.
-- params: ?1 workflow id
DELETE FROM workflow_tasks WHERE workflow_id = ?1
