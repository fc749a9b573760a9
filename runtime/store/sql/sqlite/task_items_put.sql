-- A list that is too large for its task's row.
-- params: ?1 task id, ?2 items
INSERT OR REPLACE INTO task_items (task_id, items) VALUES (?1, ?2)
