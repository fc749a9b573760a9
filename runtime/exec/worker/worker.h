/* SPDX-License-Identifier: MIT */
/* A worker process as its scheduler sees it: started, handed calls, asked to end them, killed, gone.
 *
 * All calls and callbacks on the loop thread. on_gone comes once, after everything that the worker had still written
 * was told; with it the worker is freed. Which of its calls had begun is in its page until then. */
#ifndef ORK_EXEC_WORKER_WORKER_H
#define ORK_EXEC_WORKER_WORKER_H
#include "exec/worker/page.h"
#include <ork/ork.h>
#include <uv.h>

#define ORK_WORKER_FILES 100 /* that one call keeps, at most */
struct ork_worker_file {     /* an artifact: its content is where it belongs */
    const char *name, *hash;
    int64_t bytes;
};
struct ork_worker_result {
    uint32_t slot, generation;
    int64_t took_us;    /* that it computed, without what it slept */
    int64_t log_bytes;  /* of the attempt's log */
    uint32_t memory_kb; /* of the worker's Lua now */
    bool ok;
    const char *output; /* borrowed JSON; NULL none */
    size_t output_len;
    const struct ork_worker_file *files; /* borrowed */
    uint32_t files_len;
    const char *error, *code; /* borrowed; code NULL none */
    int kind;                 /* enum ork_kind */
    bool final;
    int64_t after_ms;
    const char *data; /* of a failure: borrowed JSON; NULL none */
    size_t data_len;
};
struct ork_worker_events {
    void *data;
    void (*on_hello)(void *data, const char *version);
    void (*on_result)(void *data, const struct ork_worker_result *r);
    void (*on_waits)(void *data, uint32_t slot, uint32_t generation);
    void (*on_progress)(void *data, uint32_t slot, uint32_t generation, double done, double total);
    void (*on_secret)(void *data, uint32_t slot, uint32_t generation, uint32_t question, const char *name);
    void (*on_gone)(void *data, const char *why, int signal); /* "was ended by signal 11 (SIGSEGV)" */
};
struct ork_worker_call { /* all borrowed for the call */
    uint32_t slot, generation, task_no, attempt;
    uint32_t item; /* which element of its list, from 1; 0: a task without */
    int64_t scheduled_for_ms;
    const char *run, *task, *definition, *option, *folder, *log_path, *input;
    size_t input_len;
    int64_t memory, cpu_ms; /* most of it: it is alone in its worker; 0 as any other */
};
struct ork_worker_opts {
    uv_loop_t *loop;
    const char *program; /* path of `ork` */
    int output;          /* its stdout and stderr until a function writes; stays the caller's */
    uint32_t memory_mb;
    struct ork_worker_events events;
};
typedef struct ork_worker ork_worker;

int ork_worker_open(const struct ork_worker_opts *o, ork_worker **out, ork_err *err) ORK_MUSTCHECK;
struct ork_worker_page *ork_worker_page(ork_worker *w); /* borrowed */
void ork_worker_load(ork_worker *w, const char *definition, const char *workflow, const char *folder,
                     const char *sources);                            /* before the first call of that definition */
void ork_worker_call(ork_worker *w, const struct ork_worker_call *c); /* its slot is QUEUED already */
/* The answer to on_secret: a value, or why there is none. */
void ork_worker_secret(ork_worker *w, uint32_t slot, uint32_t generation, uint32_t question, bool found,
                       const char *text, size_t len);
size_t ork_worker_unsent(const ork_worker *w); /* bytes it has not taken yet */
void ork_worker_flush(ork_worker *w);
void ork_worker_interrupt(ork_worker *w);    /* it looks at the stop words */
void ork_worker_end(ork_worker *w);          /* no more calls: it ends when it has answered all */
void ork_worker_kill(ork_worker *w);         /* with all it started */
void ork_worker_ref(ork_worker *w, bool on); /* does it keep the loop alive? */
/* Where `ork` is: $ORK_PROGRAM, this program itself, beside this module, PATH. */
int ork_worker_find_program(char **out, ork_err *err) ORK_MUSTCHECK;
#endif
