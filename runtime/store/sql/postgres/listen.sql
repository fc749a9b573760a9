-- Rings of others: new runs, wishes, schedules.
LISTEN ork
