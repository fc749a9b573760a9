-- What a row of a task costs.
--
-- A task's row belongs to a run that is there. The foreign key asked that once per row, a quarter of what a row of a function costs. Now
-- a statement asks it once for each run that it adds tasks to, with the same lock and the same refusal, and tasks go with their run as before.

CREATE FUNCTION ork_tasks_have_runs() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing uuid;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true); -- until it returns; whatever the schema is called by now
    SELECT f.run_id INTO missing
    FROM (SELECT DISTINCT run_id FROM fresh) f
    WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = f.run_id FOR KEY SHARE)
    LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('a task is of run %s, which is not there', missing), TABLE = 'tasks', CONSTRAINT = 'tasks_run_id_fkey';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION ork_runs_take_tasks_along() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    DELETE FROM tasks WHERE run_id IN (SELECT id FROM gone);
    RETURN NULL;
END $$;

ALTER TABLE tasks DROP CONSTRAINT IF EXISTS tasks_run_id_fkey;
CREATE TRIGGER tasks_have_runs AFTER INSERT ON tasks REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ork_tasks_have_runs();
CREATE TRIGGER runs_take_tasks_along AFTER DELETE ON runs REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION ork_runs_take_tasks_along();

-- Items of a list have names that follow from their task's name and their number, and are found by these: their own names need no index.

DROP INDEX IF EXISTS idx_tasks_run_task_name;
CREATE INDEX idx_tasks_run_task_name ON tasks (run_id, task_name) WHERE map_parent IS NULL;
