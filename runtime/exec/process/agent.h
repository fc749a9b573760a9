/* SPDX-License-Identifier: MIT */
/* Client of the agent: starts it on demand, speaks to it over its socket, survives its death.
 * All calls and callbacks on the loop thread; no callback comes from inside a call. Sends never block: bounded queue,
 * the agent's reading is quick.
 *
 * Connection lost or agent killed: the client starts another agent (which reads the old journal and sweeps what
 * survived), says HELLO, claims its runs again, and every on_state and on_claimed comes anew. The client keeps no
 * tasks: what was asked just before may be lost with the connection, so at on_claimed the engine asks again what it
 * still wants: SPAWN of what is dispatched and was not told by on_state or on_exited, KILL, RECALL. What is asked while
 * no agent is connected waits and follows the claims.
 *
 * Tasks get this process's environment without ORK_* and DATABASE_URL, its umask and limits, as they are when
 * connecting. */
#ifndef ORK_EXEC_PROCESS_AGENT_H
#define ORK_EXEC_PROCESS_AGENT_H
#include "base/id.h"
#include "base/log.h"
#include <uv.h>

struct ork_attempt_key {
    ork_id task;
    uint32_t attempt;
};

struct ork_spawn { /* all borrowed for the call */
    struct ork_attempt_key key;
    ork_id run;
    char *const *argv;
    size_t argc; /* argv[0] is looked up in the PATH of the task's environment; with `script`: /bin/sh -c */
    char *const *env;
    size_t envc;          /* on top of the client's environment: "K=V" sets, "K" unsets */
    const char *cwd;      /* absolute */
    const char *log_path; /* absolute; created O_APPEND 0600 */
    int64_t timeout_ms;   /* 0 none; awake time */
    int64_t grace_ms;     /* between TERM and KILL */
    int64_t cpu_ms;       /* of CPU time, for each of its processes; 0 none */
    int64_t memory;       /* bytes of its own, for each of its processes; 0 none */
    bool keep_children;
    int32_t priority; /* higher starts first within this client's queue */
};
enum ork_exit_reason {
    ORK_EXIT_NORMAL,
    ORK_EXIT_TIMEOUT,
    ORK_EXIT_KILLED /* asked by kill */,
    ORK_EXIT_SPAWN /* could not start: error */,
    ORK_EXIT_LOST /* agent died; swept */
};
struct ork_exit {
    struct ork_attempt_key key;
    int reason;                      /* enum ork_exit_reason */
    int exit_code, signal;           /* -1; 0 */
    const char *error;               /* SPAWN: "cannot run `foo`: not found in PATH"; borrowed */
    int64_t started_ms, finished_ms; /* wall clock */
    int64_t user_ms, system_ms, max_rss_kb, log_bytes;
    int32_t pid;
};
enum ork_agent_state { ORK_AGENT_QUEUED, ORK_AGENT_RUNNING };

struct ork_agent_events {
    void *data;
    void (*on_ready)(void *data, const ork_id *agent, const char *socket,
                     const char *boot_id); /* HELLO answered; also after a restart */
    void (*on_started)(void *data, const struct ork_attempt_key *key, int32_t pid, int64_t started_ms);
    void (*on_exited)(void *data, const struct ork_exit *x);            /* again after every claim until acked */
    void (*on_recalled)(void *data, const struct ork_attempt_key *key); /* it never started and never will */
    void (*on_state)(void *data, const struct ork_attempt_key *key, int state, int32_t pid,
                     int64_t started_ms);              /* after a claim: what the agent holds of that run */
    void (*on_claimed)(void *data, const ork_id *run); /* every on_state and on_exited of the run came before */
    void (*on_stuck)(void *data, const struct ork_attempt_key *key,
                     int32_t pid); /* a process of it cannot be killed; the attempt stays open */
    void (*on_refused)(void *data,
                       const ork_id *run); /* a scheduler with a higher seq claimed this run: we were overtaken, or
                                            * have taken it up from who registered after us (then: ork_agent_outbid) */
    void (*on_down)(void *data,
                    const ork_err *err); /* no agent can be started; tried again with backoff while runs are claimed */
};
struct ork_agent_opts {
    uv_loop_t *loop;
    const char *dir;     /* <data>/agent, made 0700 when missing */
    const char *program; /* path of ork-agent */
    uint32_t jobs;       /* slots this client asks for; the host's are the largest that a live client asked for */
    uint64_t seq;        /* of the scheduler: agents refuse lower ones on a run */
    const struct ork_log *log;
    struct ork_agent_events events;
};
typedef struct ork_agent ork_agent;

int ork_agent_open(const struct ork_agent_opts *o, ork_agent **out,
                   ork_err *err) ORK_MUSTCHECK; /* nothing is started before the first claim */
void ork_agent_claim(ork_agent *a, const ork_id *run);
/* From now on this client speaks with another, higher seq: it connects anew and claims its runs again. Also from a
 * callback. */
void ork_agent_outbid(ork_agent *a, uint64_t seq);
void ork_agent_release(ork_agent *a, const ork_id *run);       /* the run ended: no claim after a restart */
void ork_agent_spawn(ork_agent *a, const struct ork_spawn *s); /* idempotent on (task, attempt) */
void ork_agent_kill(ork_agent *a, const struct ork_attempt_key *k,
                    int64_t grace_ms); /* grace 0: KILL at once; unknown attempt: ignored */
void ork_agent_recall(ork_agent *a, const struct ork_attempt_key *k); /* unknown: on_recalled; started: ignored */
void ork_agent_ack(ork_agent *a, const struct ork_attempt_key *k);    /* the result is committed: forget it */
bool ork_agent_greets(const ork_agent *a);                            /* it listens, and has not answered yet */
void ork_agent_flush(ork_agent *a); /* send what spawn, ack … queued, in one write; also at the end of the loop turn */
void ork_agent_close(ork_agent *a, void (*cb)(void *data), void *data); /* tasks go on under the agent */
/* Where ork-agent is: $ORK_AGENT, beside this shared object or program, ../libexec/ork, PATH. */
int ork_agent_find_program(char **out, ork_err *err) ORK_MUSTCHECK;
#endif
