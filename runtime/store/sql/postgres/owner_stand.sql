-- Where a scheduler that was refused stands: overtaken, or its batch was stored already.
-- params: $1 id
-- columns: live last_batch
SELECT state = 'live' AS live, last_batch FROM schedulers WHERE id = $1::uuid
