/* SPDX-License-Identifier: MIT */
#ifndef ORK_BASE_PATH_H
#define ORK_BASE_PATH_H
#include <ork/ork.h>

/* Paths and files. Folders are made 0700, files 0600. Results are the caller's (ork_free). */
char *ork_path_join(const char *a, const char *b); /* b alone when absolute */
char *ork_path_dirname(const char *path);          /* "." for a bare name */
int ork_path_absolute(const char *path, char **out,
                      ork_err *err) ORK_MUSTCHECK;                    /* realpath of the existing part, rest kept */
int ork_path_make_dirs(const char *path, ork_err *err) ORK_MUSTCHECK; /* like mkdir -p */
/* At most max bytes; ORK_ETOOBIG above. */
int ork_file_read(const char *path, size_t max, char **out, size_t *len, ork_err *err) ORK_MUSTCHECK;
#endif
