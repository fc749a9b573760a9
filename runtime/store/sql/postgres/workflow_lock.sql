-- Whoever changes what a name stands for does so one after the other; what is read behind this is how it is.
-- params: $1 name
SELECT id FROM workflows WHERE name = $1::text FOR NO KEY UPDATE
