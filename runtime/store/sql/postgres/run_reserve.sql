-- Numbers up to this one are given away; never less than it was.
-- params: $1 run id, $2 next_task_index
UPDATE runs SET next_task_index = greatest(coalesce(next_task_index, 0), $2::integer) WHERE id = $1::uuid
