-- A copy into this database that is not finished (`ork db copy`): where it comes from and how far it is. At most one row, gone at its end;
-- while it is there nobody works on the database.

CREATE TABLE copies (
    source text PRIMARY KEY,
    progress text NOT NULL,
    started_at timestamptz NOT NULL
);
