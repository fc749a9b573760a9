-- Nothing of it happened.
ROLLBACK
