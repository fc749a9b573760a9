-- Why a script could not be loaded again, kept with the workflows that came from it; NULL: it could.
-- params: $1 path of the script, $2 text or NULL
UPDATE workflows SET script_error = $2::text WHERE script_path = $1::text AND script_error IS DISTINCT FROM $2::text
