-- Tells the others, when this commits, that there is something to look at. Commits that notify go one after the other, so only those that must do.
-- params: $1 channel, $2 who tells
SELECT pg_notify($1::text, $2::text)
