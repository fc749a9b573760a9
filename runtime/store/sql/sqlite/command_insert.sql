-- A wish for a run; its owner carries it out.
-- params: ?1 id, ?2 run id, ?3 task id, ?4 kind, ?5 args, ?6 by, ?7 now
INSERT INTO commands (id, run_id, task_id, kind, args, "by", created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
