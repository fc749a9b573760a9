-- A file that an attempt left to be kept; it replaces one of that name of an earlier attempt.
-- params: ?1 task id, ?2 name, ?3 run id, ?4 attempt, ?5 hash, ?6 bytes, ?7 created_at
INSERT OR REPLACE INTO artifacts (task_id, name, run_id, attempt, hash, bytes, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
