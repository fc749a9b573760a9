/* SPDX-License-Identifier: MIT */
#ifndef ORK_STORE_SQLITE_MIGRATE_H
#define ORK_STORE_SQLITE_MIGRATE_H
#include "store/sqlite/conn.h"

/* Brings the database to this build's schema. turn: of the database, not held; taken while something is written.
 * Errors: EFOREIGN, ENEWER, ECORRUPT (a migration that was applied differs from ours), ESTATE (ORK_OPEN_READ and
 * something to do), and those of the disk. */
int ork_migrate(struct ork_conn *c, const char *path, int turn_fd, uint32_t flags, int64_t now_ms,
                ork_err *err) ORK_MUSTCHECK;

/* Fills an empty database with the schema as it was at that version: what its rows were written for. Leaves foreign
 * keys off. */
int ork_migrate_to(struct ork_conn *c, int version, int64_t now_ms, ork_err *err) ORK_MUSTCHECK;
int ork_migrate_refuse(const char *path, int version, ork_err *err); /* ENEWER, with both versions */

struct ork_migration { /* one of this build's */
    int version;
    char name[64]; /* "init" */
    char checksum[65];
    const char *sql; /* NUL-terminated */
};
size_t ork_migration_count(void);
void ork_migration_get(size_t i, struct ork_migration *out);
#endif
