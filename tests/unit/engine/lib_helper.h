/* SPDX-License-Identifier: MIT */
/* Another process with an engine of its own on the same database, to share with and to be killed. Start it before the
 * test opens an engine itself (locks would be inherited). It and the test speak by single bytes. */
#ifndef TEST_LIB_HELPER_H
#define TEST_LIB_HELPER_H
#include "engine/lib_engine.h"
#include <sys/types.h>

struct helper {
    pid_t pid;
    int to, from;
};
typedef void (*helper_body)(struct world *w,
                            struct helper *me); /* in the child, w->engine open; a failed assert aborts it */
struct helper helper_start(struct world *w, helper_body body);
void helper_tell(struct helper *h, char byte);
void helper_hear(struct helper *h, char byte); /* the next byte is this one */
void helper_kill(struct helper *h);            /* SIGKILL, and gone */
void helper_gone(struct helper *h);            /* it kills itself */
void helper_end(struct helper *h);             /* waits for its good end */
pid_t agent_of(struct world *w);               /* the agent of the database's folder */
void agent_kill(struct world *w);              /* it, by SIGKILL, and gone */
#endif
