-- Definitions are about to be discarded: no run of one is made meanwhile.
-- params: $1 workflow id
SELECT id FROM workflows WHERE id = $1::uuid FOR UPDATE
