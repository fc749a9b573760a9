-- A copy into this database that is not finished (`ork db copy`): where it comes from and how far it is. At most one row, gone at its end;
-- while it is there nobody works on the database.

CREATE TABLE copies (
    source TEXT PRIMARY KEY NOT NULL,
    progress TEXT NOT NULL,
    started_at TEXT NOT NULL
);
