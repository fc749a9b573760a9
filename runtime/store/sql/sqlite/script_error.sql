-- Why a script could not be loaded again, kept with the workflows that came from it; NULL: it could.
-- params: ?1 path of the script, ?2 text or NULL
UPDATE workflows SET script_error = ?2 WHERE script_path = ?1 AND script_error IS NOT ?2
