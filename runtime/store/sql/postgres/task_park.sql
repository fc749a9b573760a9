-- Moves a task out of the way of those that get new places; below 0 no list shows it and no definition has it.
-- params: $1 id, $2 task_index
UPDATE tasks SET task_index = $2::integer WHERE id = $1::uuid
