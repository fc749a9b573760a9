-- The list a task is done for.
-- params: ?1 task id
-- columns: map_count map_first items
SELECT t.map_count, t.map_first, coalesce(t.map_items, i.items) AS items
FROM tasks t
LEFT JOIN task_items i ON i.task_id = t.id
WHERE t.id = ?1
