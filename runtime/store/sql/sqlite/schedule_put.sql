-- A schedule is switched, or gets another next time (or the same, and another instant to act on it). ?2 1: on; 0: off, by the operator; NULL: the switch stays.
-- params: ?1 workflow id, ?2 switch, ?3 next time, ?4 the instant to act on it, ?5 now
UPDATE workflows
SET schedule_enabled = coalesce(?2, schedule_enabled), next_scheduled_at = ?3, fire_at = ?4,
    fire_waits = CASE WHEN next_scheduled_at IS ?3 THEN fire_waits ELSE 0 END,
    schedule_off_at = CASE ?2 WHEN 0 THEN ?5 WHEN 1 THEN NULL ELSE schedule_off_at END
WHERE id = ?1
