/* SPDX-License-Identifier: MIT */
/* Where values of secrets come from, and how they are kept out of what attempts leave.
 *
 *   name ──► $ORK_SECRET_NAME ──► a file NAME in $ORK_SECRETS_DIR, else <data>/secrets ──► $ORK_SECRETS_COMMAND … NAME
 *
 * Laws: a value is looked up when an attempt begins, and lives in memory only: of the scheduler as long as the attempt,
 * of the one process that was given it. What an attempt leaves (output, error, end of its log, its log file) is
 * searched for its values before it is stored. */
#ifndef ORK_ENGINE_SECRET_H
#define ORK_ENGINE_SECRET_H
#include "core/mask.h"
#include <ork/ork.h>

struct ork_active;
struct ork_secrets;

#define ORK_SECRET_MAX (64u << 10) /* bytes of a value */
#define ORK_SECRET_LIMIT_MS 10000  /* that the command may take */

/* value: borrowed UTF-8 without NUL; NULL: err says which is missing and where it was looked for. */
typedef void (*ork_secret_cb)(void *data, const char *value, size_t len, const ork_err *err);
/* Perhaps at once. Who asks for a name that is being asked for already gets the same answer. */
void ork_secret_get(ork_engine *e, const char *name, ork_secret_cb cb, void *data);
/* From the environment or a file; ENOVALUE: in neither. */
int ork_secret_look(ork_engine *e, const char *name, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
bool ork_secret_name_ok(const char *name); /* letters, digits, _ */
void ork_secret_close(ork_engine *e);      /* who waits is told at once; drives the loop until no command is left */

/* Values in the file become stars, in place; any thread. What cannot be read or written stays as it is. */
void ork_mask_file(const struct ork_mask *m, const char *path);
#endif
