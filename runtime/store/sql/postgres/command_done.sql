-- Wishes were carried out, or could not be; the first answer stays.
-- params: arrays of one length: $1 id, $2 now, $3 outcome
UPDATE commands c
SET done_at = u.at, outcome = u.outcome
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS u (id, at, outcome)
WHERE c.id = u.id AND c.done_at IS NULL
