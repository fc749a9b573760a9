/* SPDX-License-Identifier: MIT */
/* Where a database file may be. */
#ifndef ORK_STORE_SQLITE_PLACE_H
#define ORK_STORE_SQLITE_PLACE_H
#include "store/sqlite/opened.h"
#include <ork/ork.h>

/* Checks folder and file before SQLite touches them: exists (or may be made: ORK_OPEN_CREATE), is a database by its
 * first bytes or empty, writable unless ORK_OPEN_READ, not on a network file system. *path: its real path, the
 * caller's. *frozen: nobody can write there and no WAL is left to be read. On success the file is noted in *held, until
 * ork_opened_end. */
int ork_place_open(const char *given, uint32_t flags, char **path, bool *frozen, struct ork_opened *held,
                   ork_err *err) ORK_MUSTCHECK;
const char *ork_place_network(
    long fs_type); /* name of a file system without dependable locks and notices, by its statfs number; NULL fine */
#endif
