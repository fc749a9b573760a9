-- Notes which JSON files of the tree are out of date: kind (their place in store/file/tree.c) and id. Kept in memory, beside the tables, so a
-- rollback takes the notes back too. The NOT EXISTS stands for OR IGNORE, which an outer statement's own conflict clause would replace.
CREATE TEMP TABLE tree_notes (kind INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TEMP TRIGGER tree_workflows_insert AFTER INSERT ON main.workflows BEGIN
    INSERT INTO tree_notes SELECT 0, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 0 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_workflows_update AFTER UPDATE ON main.workflows BEGIN
    INSERT INTO tree_notes SELECT 0, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 0 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_workflows_delete AFTER DELETE ON main.workflows BEGIN
    INSERT INTO tree_notes SELECT 0, OLD.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 0 AND id = OLD.id);
END;
CREATE TEMP TRIGGER tree_runs_insert AFTER INSERT ON main.runs BEGIN
    INSERT INTO tree_notes SELECT 1, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 1 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_runs_update AFTER UPDATE ON main.runs BEGIN
    INSERT INTO tree_notes SELECT 1, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 1 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_runs_delete AFTER DELETE ON main.runs BEGIN
    INSERT INTO tree_notes SELECT 1, OLD.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 1 AND id = OLD.id);
END;
CREATE TEMP TRIGGER tree_tasks_insert AFTER INSERT ON main.tasks BEGIN
    INSERT INTO tree_notes SELECT 2, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 2 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_tasks_update AFTER UPDATE ON main.tasks BEGIN
    INSERT INTO tree_notes SELECT 2, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 2 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_tasks_delete AFTER DELETE ON main.tasks BEGIN
    INSERT INTO tree_notes SELECT 2, OLD.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 2 AND id = OLD.id);
END;
CREATE TEMP TRIGGER tree_workflow_tasks_insert AFTER INSERT ON main.workflow_tasks BEGIN
    INSERT INTO tree_notes SELECT 3, NEW.workflow_id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 3 AND id = NEW.workflow_id);
END;
CREATE TEMP TRIGGER tree_workflow_tasks_update AFTER UPDATE ON main.workflow_tasks BEGIN
    INSERT INTO tree_notes SELECT 3, NEW.workflow_id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 3 AND id = NEW.workflow_id);
END;
CREATE TEMP TRIGGER tree_workflow_tasks_delete AFTER DELETE ON main.workflow_tasks BEGIN
    INSERT INTO tree_notes SELECT 3, OLD.workflow_id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 3 AND id = OLD.workflow_id);
END;
CREATE TEMP TRIGGER tree_workflow_snapshots_insert AFTER INSERT ON main.workflow_snapshots BEGIN
    INSERT INTO tree_notes SELECT 4, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 4 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_workflow_snapshots_update AFTER UPDATE ON main.workflow_snapshots BEGIN
    INSERT INTO tree_notes SELECT 4, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 4 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_workflow_snapshots_delete AFTER DELETE ON main.workflow_snapshots BEGIN
    INSERT INTO tree_notes SELECT 4, OLD.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 4 AND id = OLD.id);
END;
CREATE TEMP TRIGGER tree_deferred_jobs_insert AFTER INSERT ON main.deferred_jobs BEGIN
    INSERT INTO tree_notes SELECT 5, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 5 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_deferred_jobs_update AFTER UPDATE ON main.deferred_jobs BEGIN
    INSERT INTO tree_notes SELECT 5, NEW.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 5 AND id = NEW.id);
END;
CREATE TEMP TRIGGER tree_deferred_jobs_delete AFTER DELETE ON main.deferred_jobs BEGIN
    INSERT INTO tree_notes SELECT 5, OLD.id WHERE NOT EXISTS (SELECT 1 FROM tree_notes WHERE kind = 5 AND id = OLD.id);
END;
