-- A list that is too large for its task's row.
-- params: $1 task id, $2 items
INSERT INTO task_items (task_id, items) VALUES ($1::uuid, $2::jsonb) ON CONFLICT (task_id) DO UPDATE SET items = excluded.items
