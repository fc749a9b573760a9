-- Is this copy still registered? Nobody declares it dead before this transaction ends. No row: somebody has.
-- params: $1 scheduler id
-- columns: seq
SELECT seq FROM schedulers WHERE id = $1::uuid AND state = 'live' FOR SHARE
