/* SPDX-License-Identifier: MIT */
/* A coroutine: a function on a stack of its own, on the loop's thread. It stops where it waits for the server and goes
 * on when the loop hears of it, so that what takes several answers (connect, look, decide, write) is written as one
 * piece, and nothing blocks. */
#ifndef ORK_STORE_POSTGRES_CO_H
#define ORK_STORE_POSTGRES_CO_H
#include <stdbool.h>

struct ork_co;
struct ork_co *ork_co_new(void (*main)(void *data), void *data); /* does not start */
void ork_co_resume(struct ork_co *co); /* runs it until it yields or ends; never from inside a coroutine */
void ork_co_yield(void);               /* from inside */
struct ork_co *ork_co_self(void);      /* NULL: not in one */
bool ork_co_ended(const struct ork_co *co);
void ork_co_free(struct ork_co *co); /* it has ended, or never started; NULL is fine */
#endif
