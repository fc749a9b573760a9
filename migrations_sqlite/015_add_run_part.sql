-- Which part of its definition a run is, when it is not all of it: {"to": task} or {"only": task, …}.

ALTER TABLE runs ADD COLUMN part TEXT;
