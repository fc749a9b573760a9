-- Whoever takes a run from a scheduler that is gone does so one after the other: the last one takes its slots, too.
-- params: $1 scheduler id
SELECT 1 FROM schedulers WHERE id = $1::uuid FOR NO KEY UPDATE
