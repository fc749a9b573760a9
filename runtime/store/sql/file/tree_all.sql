-- Every file of the tree is out of date.
DELETE FROM tree_notes;
INSERT INTO tree_notes SELECT DISTINCT 0, id FROM workflows;
INSERT INTO tree_notes SELECT DISTINCT 1, id FROM runs;
INSERT INTO tree_notes SELECT DISTINCT 2, id FROM tasks;
INSERT INTO tree_notes SELECT DISTINCT 3, workflow_id FROM workflow_tasks;
INSERT INTO tree_notes SELECT DISTINCT 4, id FROM workflow_snapshots;
INSERT INTO tree_notes SELECT DISTINCT 5, id FROM deferred_jobs;
