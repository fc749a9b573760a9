-- Whoever decides about a run does so one after the other; what is read behind this is how it is.
-- params: $1 run id
SELECT 1 FROM runs WHERE id = $1::uuid FOR NO KEY UPDATE
