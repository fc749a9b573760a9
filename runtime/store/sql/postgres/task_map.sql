-- What a task is to be done for: how many items, the list (NULL: it has a row of its own), the number of the first; all NULL: not expanded.
-- params: $1 id, $2 count, $3 first, $4 items
UPDATE tasks SET map_count = $2, map_first = $3, map_items = $4 WHERE id = $1
