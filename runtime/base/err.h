/* SPDX-License-Identifier: MIT */
/* The error contract: `return ork_err_set(err, ORK_ENOTFOUND, "run %s", id);`, `ork_err_wrap` on the way up.
 * Both return the code and accept err == NULL. Codes and their faces are the table ORK_ERRORS in ork.h. */
#ifndef ORK_BASE_ERR_H
#define ORK_BASE_ERR_H
#include <ork/ork.h>

int ork_err_set(ork_err *err, int code, const char *fmt, ...) ORK_PRINTF(3, 4);
/* "prefix: old text"; keeps the code; returns it. */
int ork_err_wrap(ork_err *err, const char *fmt, ...) ORK_PRINTF(2, 3);
/* From errno: EACCES → ORK_EACCESS, ENOSPC/EDQUOT → ORK_ENOSPC, EROFS → ORK_EREADONLY, ENOENT → ORK_ENOTFOUND, else
 * ORK_EIO; text: "fmt: strerror". */
int ork_err_errno(ork_err *err, int errnum, const char *fmt, ...) ORK_PRINTF(3, 4);
#endif
