/* SPDX-License-Identifier: MIT */
/* Files beside the database that keep processes apart: <db>-turn (who commits now) and <db>-owners/<id> (who is alive).
 */
#ifndef ORK_STORE_SQLITE_TURN_H
#define ORK_STORE_SQLITE_TURN_H
#include "base/id.h"

int ork_turn_open(const char *db, int *fd,
                  ork_err *err) ORK_MUSTCHECK; /* *fd -1 for memory (db NULL): the calls below then do nothing */
bool ork_turn_try(int fd);                     /* without waiting */
void ork_turn_take(int fd);                    /* waits, first come first served by the kernel */
void ork_turn_drop(int fd);

/* An owner: a write lock on its own file, held by an open file description until it is closed or the process dies. */
char *ork_owner_path(const char *db, const ork_id *id); /* the caller's */
int ork_owner_hold(const char *db, const ork_id *id, int *fd, ork_err *err) ORK_MUSTCHECK;
void ork_owner_release(const char *db, const ork_id *id, int fd); /* removes the file, then lets go */
bool ork_owner_held(const char *db, const ork_id *id);
bool ork_lock_held(int fd); /* the same of an open lock file, or of the errno of opening it (fd -1); closes it */
void ork_owner_forget(const char *db, const ork_id *id); /* removes the file of a dead owner */
int ork_owner_open(const char *db, const ork_id *id);    /* for waiting; -1: there is none any more */
#endif
