-- A run is about to be made of one of its definitions: none of them is discarded meanwhile.
-- params: $1 workflow id
SELECT id FROM workflows WHERE id = $1::uuid FOR KEY SHARE
