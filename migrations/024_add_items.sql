-- Tasks that are done once per element of a list. The expansion is on the task's row: how many items, the list itself, and the first of the
-- numbers that were reserved for them. An item has a row from its first change on (map_parent, map_index); without one it is pending. A list
-- above 64 KiB has a row of its own, so that whoever reads tasks does not carry it along.

ALTER TABLE tasks
    ADD COLUMN map_count integer,
    ADD COLUMN map_first integer,
    ADD COLUMN map_items jsonb;

CREATE TABLE task_items (
    task_id uuid PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
    items jsonb NOT NULL
);
