/* SPDX-License-Identifier: MIT */
/* Inside of a worker. One process has one of everything, so it is kept in one place; nothing here is used by `ork`
 * itself. */
#ifndef ORK_SCRIPT_WORKER_PRIV_H
#define ORK_SCRIPT_WORKER_PRIV_H
#include "core/mask.h"
#include "engine/artifact.h"
#include "exec/worker/page.h"
#include "exec/worker/wire.h"
#include <lua.h>
#include <stdbool.h>

struct ork_work {    /* the call in a slot */
    bool open, told; /* told: that it is to end, at its next pause */
    uint32_t generation;
    char *log_path; /* owned */
    bool adds;      /* its log is that of an attempt, which may have one already */
    int log_fd;     /* -1: nothing was written yet */
    int64_t log_bytes;
    int64_t busy_ns; /* that it computed so far */
    struct ork_artifacts artifacts;
    struct ork_mask mask; /* values of the secrets it was given */
};
struct ork_worker_self {
    struct ork_worker_page *page;
    struct ork_work work[ORK_WORKER_SLOTS];
    int current; /* slot that computes; -1 none */
    int shown;   /* slot whose log is stdout and stderr; -1: the scratch file is */
    int scratch; /* what is written while no log is open */
    int64_t entered_ns;
    unsigned fibers;            /* calls begun and not ended */
    lua_State *volatile thread; /* that computes; for the signal handler */
    volatile bool writing;      /* an answer is being put together while one computes */
    volatile bool owed;         /* a signal asked for answers when they could not be sent */
    volatile bool asked;        /* a signal came: look at the stop words */
    size_t memory, memory_max;  /* bytes of Lua */
    bool memory_failed;
};
extern struct ork_worker_self ork_self;

/* worker_output.c: what functions write */
void ork_output_begin(void); /* before anything is written: stdout and stderr are the scratch file */
int ork_output_log(int slot, const char *text, size_t n); /* 0 or errno */
void ork_output_enter(int slot);                          /* it computes from now on */
void ork_output_leave(int slot);                          /* what it wrote past its log goes there */
int64_t ork_output_close(int slot);                       /* bytes of its log; its secrets are forgotten */
/* The text at idx > 0, if there is one, becomes one with *** for the secrets of the call. */
void ork_output_mask(lua_State *L, int slot, int idx);

bool ork_output_flush(void);         /* all that C has buffered; false: of what goes to the log only */
int ork_output_text(lua_State *L);   /* log(slot, text) -> true | nil, message */
int ork_output_masked(lua_State *L); /* masked(slot, text) -> the text, with *** for the secrets of the call */
int ork_keep_begin(lua_State *L);    /* worker_keep.c: artifacts of functions */
int ork_keep_end(lua_State *L);
int ork_worker_library(lua_State *L); /* worker_library.c: library(path, input) -> JSON text | nil, message, kind */

void ork_worker_answer(void); /* worker.c, from the signal handler: what waits to be sent goes */

/* worker_limits.c */
void ork_limits_begin(lua_State *L, size_t mb);
/* What a call that is alone may take of memory (bytes) and CPU time; 0: what any may. */
void ork_limits_call(uint32_t slot, uint32_t generation, int64_t memory, int64_t cpu_ms);
int ork_limits_shown(lua_State *L); /* limits() -> bytes of an output, MiB of memory, is that the call's own? */
int ork_limits_spent(lua_State *L); /* spent() -> why the call is ended: it took too much CPU time | nil */

/* worker_stop.c: signals */
void ork_stop_begin(void);
void ork_stop_arm(void);            /* a call begins to compute: a signal may have come before */
int ork_stop_reasons(lua_State *L); /* reasons(cancelled, own): what is raised; chunk names that are spared begin so */
int ork_stop_next(lua_State *L);    /* stops() -> slot of a call that is to end | nil */
bool ork_stop_wait(int socket, int loop_fd, int timeout_ms); /* until something is there; false: a signal came */
#endif
