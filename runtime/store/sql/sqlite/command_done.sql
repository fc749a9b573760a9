-- A wish was carried out, or could not be; the first answer stays.
-- params: ?1 id, ?2 now, ?3 outcome
UPDATE commands SET done_at = ?2, outcome = ?3 WHERE id = ?1 AND done_at IS NULL
