/* SPDX-License-Identifier: MIT */
/* The part of ork.h about copying a database into another. Included by ork.h, never alone. */
#ifndef ORK_COPY_H
#define ORK_COPY_H
#include "ork.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ork_copy ork_copy; /* one under way: both databases open, closed to everybody else */

struct ork_copy_opts {
    const char *from,
        *to; /* URLs, as of ork_engine_opts; `to` is created and migrated, `from` must be of this version */
    struct uv_loop_s *loop; /* borrowed */
    int log_level;
};
struct ork_copy_state {
    enum { ORK_COPYING, ORK_CHECKING, ORK_COPIED } phase;
    const char *table;     /* under way; NULL: none */
    int64_t rows, total;   /* of it: done in this phase, and in all */
    int64_t done, overall; /* rows of both phases: each is copied once and read twice more */
};

/* Refused while anybody works on either (EBUSY), or when `to` holds anything but a part of this very copy (EEXIST,
 * ESTATE); then it goes on where that one ended. */
ORK_API int ork_copy_open(const struct ork_copy_opts *o, ork_copy **out, ork_err *err) ORK_MUSTCHECK;
/* A page: copied, then compared. 1: there is more; 0: it is whole. Blocks for that page and runs the loop once without
 * waiting. After an error, or being killed, the same copy can be opened again; ECORRUPT: both differ. */
ORK_API int ork_copy_step(ork_copy *c, ork_err *err) ORK_MUSTCHECK;
ORK_API void ork_copy_state(const ork_copy *c, struct ork_copy_state *out);
/* {"from","to","resumed","tables":[{"name","rows","checksum"}],"rows","unfinished_runs","logs"}: when it is whole. from
 * and to without passwords; logs: the folder of the source's log files, which are not copied; null: it has none of its
 * own. */
ORK_API int ork_copy_json(const ork_copy *c, char **out, ork_err *err) ORK_MUSTCHECK;
ORK_API char *ork_url_plain(const char *url); /* to show: without passwords */
ORK_API void ork_copy_close(ork_copy *c);     /* drives the loop until both are closed */

#ifdef __cplusplus
}
#endif
#endif
