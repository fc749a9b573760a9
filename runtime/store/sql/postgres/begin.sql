-- READ COMMITTED, whatever the server's default is: what waited for a lock sees what the other has done.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE
