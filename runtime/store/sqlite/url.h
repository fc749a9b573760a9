/* SPDX-License-Identifier: MIT */
/* sqlite:PATH · sqlite://PATH?mode=ro|rw|rwc · sqlite::memory: */
#ifndef ORK_STORE_SQLITE_URL_H
#define ORK_STORE_SQLITE_URL_H
#include <ork/ork.h>

/* *path: as written, the caller's; NULL: memory. *flags gets or loses ORK_OPEN_* as the mode says. */
int ork_sqlite_url(const char *url, char **path, uint32_t *flags, ork_err *err) ORK_MUSTCHECK;

/* What a "?mode=" says; ORK_EINVAL for another word. */
int ork_url_mode(const char *mode, uint32_t *flags, bool *memory);
/* Percent-decoded, the caller's. */
int ork_url_decode(const char *url, const char *p, size_t n, char **out, ork_err *err) ORK_MUSTCHECK;
#endif
