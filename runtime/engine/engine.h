/* SPDX-License-Identifier: MIT */
/* Inside the engine: it drives the pure core with what really happens, and carries out what the core asks for.
 *
 * The law of the house: nothing happens in the world before the commit that allows it. Every event steps the core at
 * once (memory), its row changes join the commit being collected, and what must follow (spawn, ack, progress) waits in
 * that commit's list until the store has confirmed it. A kill at any instant therefore finds either no trace or a
 * durable reason.
 *
 *   agent, timers, commands ──event──► ork_active_step ──► core ──effects──► rows ──► ork_commit ──store──► after:
 * spawn, ack, notify
 *
 * Everything here runs on the loop thread; reading big logs is the one job given to uv's thread pool (result.c). */
#ifndef ORK_ENGINE_ENGINE_H
#define ORK_ENGINE_ENGINE_H
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/heap.h"
#include "core/expr.h"
#include "core/limits.h"
#include "core/run.h"
#include "core/state.h"
#include "engine/artifact.h"
#include "engine/call.h"
#include "engine/deferred.h"
#include "engine/executor.h"
#include "engine/fan.h"
#include "engine/handlers.h"
#include "engine/outputs.h"
#include "engine/question.h"
#include "engine/remote.h"
#include "engine/secret.h"
#include "engine/serve.h"
#include "engine/settle.h"
#include "engine/verdict.h"
#include "exec/process/agent.h"
#include "store/store.h"
#include <uthash.h>
#include <uv.h>

#define ORK_AHEAD 64 /* tasks committed and handed to the agent beyond its slots (performance.md, B1) */
#define ORK_LAZY_MS                                                                                                    \
    50 /* a START alone may wait this long for a commit: losing it only means asking the agent again                   \
        */
#define ORK_MIN_FREE (512ll << 20) /* bytes of disk below which nothing is dispatched */
#define ORK_CACHE_BYTES (64u << 20)
#define ORK_INPUT_MAX (16u << 20) /* resolved input of a task */
#define ORK_FETCHES 16            /* reads of what inputs refer to, beyond which no task is granted */
#define ORK_OUTPUT_LINE_MAX (1u << 20)
#define ORK_OUTPUT_FILE_MAX (16u << 20)
#define ORK_LINE_WINDOW (2u << 20) /* the ORK_OUTPUT: line is looked for in this much of the log's end */
#define ORK_TAIL_FAILED (64u << 10)
#define ORK_TAIL_SUCCESS (4u << 10)
#define ORK_INPUT_ENV_MAX (32u << 10)
#define ORK_GRACE_MS 5000

struct ork_active;

/* ---- a client of an agent: the data directory's own, or the one an adopted attempt runs under ---- */
struct ork_hand {
    ork_engine *engine;
    ork_agent *agent;
    char *dir;  /* owned: <data>/agent */
    bool ready; /* HELLO was answered */
    ork_id id;  /* of the agent */
    bool closed;
    unsigned users; /* runs of ours that use it */
    struct ork_hand *next;
};

/* ---- an attempt that was dispatched and whose end is not yet decided ---- */
struct ork_live {
    uint32_t task; /* hash key within its run */
    uint32_t attempt;
    int64_t dispatched_ms, started_ms, grace_ms;
    struct ork_resources most;
    int32_t pid;
    struct ork_argv argv;        /* kept until it was handed over; then empty */
    char *log_path;              /* owned, absolute */
    char *input_path;            /* owned; NULL: the run's empty input */
    struct ork_call *call;       /* owned; NULL: no function */
    struct ork_deferred *job;    /* owned; NULL: it does not only wait */
    struct ork_remote *remote;   /* owned; NULL: it left no jobs that it waits for */
    struct ork_verdict *verdict; /* owned: it has ended, and a function is asked whether it is tried again; NULL: no */
    bool judged;                 /* that was answered */
    struct ork_mask mask;        /* values of the secrets it was given */
    struct ork_artifacts artifacts; /* that its function kept */
    struct ork_exit *exit;          /* owned: it ended, and waits for those to be looked up again; NULL no */
    ork_id agent;                   /* zero until known */
    bool committed;                 /* its dispatched row is durable */
    bool known;                     /* SPAWN was sent to the present agent, or it told of the attempt */
    bool settling;                  /* an exit is being read or committed */
    bool asking;                    /* its input is read again, to send it again */
    bool adopted;
    bool unmasked;  /* taken over: the values of its secrets are to be looked up again */
    bool host_lost; /* its agent cannot exist any more (other boot, other host) */
    UT_hash_handle hh;
};

/* What goes into a task's row when an attempt ends; borrowed while the core is stepped. */
struct ork_end {
    uint32_t task;
    const char *output;
    size_t output_len; /* NULL none */
    const char *tail;
    size_t tail_len;   /* NULL none */
    const char *error; /* NULL none */
    const char *data;  /* of a failure: JSON for whoever is asked about it; NULL none */
    size_t data_len;
    int64_t finished_ms;
    const struct ork_artifacts *artifacts; /* NULL none */
    bool had_artifacts;                    /* the attempt's folder exists and goes with the acknowledgement */
    bool had_output;                       /* $ORK_OUTPUT_FILE exists and goes with the acknowledgement */
    const struct ork_exit *exit;           /* NULL: no process */
    bool attempt;                          /* the attempt's row is due, beside the task's */
};

enum { ORK_POISON_ROW, ORK_POISON_EVENTS }; /* what of a run itself was refused */

/* ---- a run this engine owns ---- */
struct ork_active {
    ork_id id;
    char text[ORK_ID_TEXT];
    ork_engine *engine;
    ork_workflow *workflow; /* counted */
    struct ork_run run;     /* the core's state */
    struct ork_effects fx;
    size_t fx_done;
    bool draining, run_moved, rejecting;
    struct ork_reject {
        uint32_t task;
        int kind;
        int64_t after_ms;
        char *text; /* owned */
        struct ork_reject *next;
    } * rejects, **rejects_end;      /* owned list: judged while effects are worked off, told after */
    struct ork_items {               /* beside run.fans: what the items are made of */
        json_t *list;                /* owned */
        json_t *params;              /* owned: of the task, without the list; read only */
        int64_t started_ms;          /* of the task */
    } * items;                       /* owned */
    uint32_t items_len, next_number; /* next_number: the first that no task or item of the run has had */
    ork_id *ids; /* task ids of a run that was taken over, or got another definition; NULL: derived */
    uint32_t *by_number, by_number_len; /* owned, with ids: number in an id of ours → task; NULL none */
    ork_id snapshot;
    json_t *params;
    json_t *part;     /* owned; NULL: the run is all of its definition */
    char *script_dir; /* NULL unknown */
    int32_t priority;
    int64_t created_ms, started_ms, finished_ms, logical_ms, scheduled_for_ms, run_timeout_ms;
    struct ork_tz *zone; /* owned (counted): of its workflow's schedule; NULL UTC */
    int64_t limited_ms;  /* run_timeout counts from here: the start, or a person's last retry */
    char *error;         /* the run's own */
    char *cancel_why;    /* owned; said with the cancel, NULL nothing */
    uint32_t inserted;   /* task rows that are durable; running only when all are */
    bool resumed;        /* recovered rather than created here */
    bool strange;        /* its functions live elsewhere: taken up only to be cancelled, paused */
    bool claimed;        /* the agent answered the claim */
    bool agent_used;     /* a claim was sent */
    bool closing;        /* its last commit is on the way */
    int ended_from;      /* of a run that ended well: its status before, until that commit is made */
    uint64_t looks;      /* the engine's, when it came into the table */
    uint8_t *shown;      /* owned: the status of each task that was last stored */
    uint32_t shown_len;
    struct ork_died {
        uint32_t task, attempt;
    } * died; /* owned: calls that ran by their rows, of a program that is gone */
    size_t died_len;
    struct ork_end *end; /* borrowed: what the attempt being settled left behind */
    double call_us;      /* that its functions compute in a worker, on average; 0 unknown */
    bool resting;        /* stopped to get another definition: its row keeps rested_from, nobody paused it */
    uint8_t rested_from;
    bool waits_for_turn; /* max_active_runs: pending until a slot of the pool run:<workflow> is granted */
    bool has_turn;
    struct ork_limits_run *limits;
    struct ork_copy *copy; /* owned; NULL none */
    struct ork_starting
        *creating;        /* borrowed; its own row is in the batch that is collected or at the store. NULL: there */
    struct ork_sub *subs; /* owned list: definitions that its tasks run */
    ork_id parent_task;   /* it is run for that task of another run; zero: none */
    char *output;         /* owned: what it returned, JSON; NULL none */
    struct ork_update *update;  /* owned; it is on its way to another definition, nothing else is loaded. NULL: no */
    struct ork_hand *hand;      /* borrowed */
    json_t *hold;               /* outputs fetched for the task being resolved */
    struct ork_live *live;      /* hash by task */
    struct ork_gather *gathers; /* owned list: lists of what items left that are being read */
    struct ork_question *questions; /* owned hash: asked of functions and not answered */
    struct ork_timer *timers;       /* hash by kind and task */
    char *empty_input;              /* owned: file with {} */
    struct ork_active *noted;       /* next of the runs with events */
    bool is_noted;
    struct ork_buf events;   /* of the commit being collected, for run_events */
    struct ork_live *newest; /* the attempt that was asked for last; NULL: not known */
    struct ork_many {        /* the newest of them, that are alike; count 0: none */
        int64_t ms;
        int type;
        uint32_t first, last, attempt, step, count;
    } many;
    struct ork_poison {
        uint32_t task, attempt; /* task ORK_NO_TASK: of the run itself; attempt is ORK_POISON_* then */
        unsigned times;
        struct ork_poison *next;
        char *why;
    } * poison;               /* owned list: what the database refused (refuse.c) */
    uint32_t refs;            /* callbacks under way that name it */
    bool aside;               /* never in the table: ork_active_aside */
    bool dead;                /* out of the table; freed with the last reference */
    UT_hash_handle hh;        /* by id */
    UT_hash_handle by_prefix; /* by the first 12 bytes, which ids of its tasks share */
};

/* ---- group commit ---- */
enum ork_after_type {
    ORK_AFTER_SPAWN,
    ORK_AFTER_CALLED,
    ORK_AFTER_KILL,
    ORK_AFTER_RECALL,
    ORK_AFTER_ACK,
    ORK_AFTER_CHANGE,
    ORK_AFTER_ENDED,
    ORK_AFTER_OWED,
    ORK_AFTER_INSERTED,
    ORK_AFTER_CALL
};
struct ork_after {
    int type;
    struct ork_active *run; /* counted */
    uint32_t task, attempt;
    int from, to, kind;
    int64_t retry_at_ms, took_ms, grace_ms;
    bool adopted;
    char *remove[2]; /* ACK: owned paths of the attempt's output and input file, NULL none */
    char *folder;    /* ACK: owned, of its artifacts, which are kept; NULL none */
    char *error;     /* owned; OWED: the id of its row, as text */
    char *waits;     /* owned: for what, NULL: it does not only wait. OWED: which handler */
    void (*call)(void *data, int code, const ork_err *err); /* CALL: also on failure */
    void *data;
    size_t answers; /* CALL: number of the unit it is the answer to, from 1; 0 none */
};
struct ork_touch {
    struct {
        void *run;
        uint32_t task;
    } key;
    size_t unit;
    UT_hash_handle hh;
};
struct ork_commit {
    struct ork_batch batch;
    struct ork_active **unit_run;
    size_t unit_run_cap; /* whose unit it is; NULL nobody's */
    struct ork_after *after;
    size_t after_len, after_cap;
    struct ork_touch *touched; /* task put already in this batch: changes of one row collapse */
    char **texts;
    size_t texts_len, texts_cap; /* owned strings the units point to */
    bool urgent;
    struct ork_commit *next;
};

struct ork_engine {
    uv_loop_t *loop;
    uv_loop_t own_loop;
    bool owns_loop;
    const struct ork_clock *clock;
    struct ork_log log;
    struct ork_idgen ids;
    uint32_t flags, jobs;
    char *url, *data_dir, *agent_program, *python_runner, *host, *cwd; /* programs: NULL until looked for */
    const char *role;                                                  /* "serve" or NULL */
    char boot_id[40];
    ork_store *store;
    bool store_closed;
    bool registered, enrolled; /* ready to own runs; in the store's list of schedulers */
    bool private_dir;          /* data_dir is of this engine alone, and goes with it */
    ork_id scheduler;
    uint64_t seq;
    struct ork_hand *hands; /* agents in use; the first is the one of data_dir */
    struct ork_limits *limits;
    struct ork_active *runs, *prefixes, *noted; /* hash by id */
    const struct ork_active *begun;             /* borrowed: the newest that is being created; NULL none */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t lazy;
    uv_timer_t away;
    uv_timer_t deadline;
    uv_timer_t disk;
    uv_timer_t later; /* the next look for runs of others, serve.later_ms */
    uv_poll_t timer_poll;
    int timer_fd;
    int64_t timer_armed_ms;
    struct ork_heap timers;
    struct ork_commit *current, *queue, *inflight; /* collected; full ones waiting; at the store */
    bool lazy_armed, in_turn, away_now, fenced, closing;
    bool at_store; /* inflight is: not while the database is away and the next try is waited for */
    bool ending;   /* about to close: nothing new starts */
    uint32_t away_tries;
    ork_err away_why;
    int64_t free_checked_ms, min_free;
    bool low_disk;
    bool bell_on, commands_reading, commands_again, pool_wake;
    unsigned commands_done; /* wishes carried out whose rows do not say so yet */
    uint64_t looks;         /* how often open wishes were looked for */
    struct ork_cached *cache, *cache_newest, *cache_oldest;
    size_t cache_bytes;
    ork_change_cb on_change;
    void *change_data;
    struct ork_inline_host host_calls;       /* zero: nobody calls functions here */
    struct ork_call *calls;                  /* hash by token: taken and not done */
    struct ork_call *call_first, *call_last; /* not taken yet */
    uint64_t call_tokens;                    /* given so far */
    uint32_t calls_lent;
    size_t call_bytes; /* of the inputs of those that are not taken */
    unsigned fetches;  /* reads of what inputs refer to */
    char *call_input;  /* owned: of the call taken last, which the host reads */
    char call_definition[65];
    ork_http *http;                /* owned; NULL until a job of another service is followed */
    struct ork_secrets *secrets;   /* owned list: commands that are asked for one */
    struct ork_handlers *handlers; /* owned; NULL until one is owed */
    struct ork_turns turns;        /* of functions of tasks that wait */
    struct ork_workers *workers;   /* owned; NULL until a function of a script is met */
    struct ork_heap call_deadlines;
    uv_timer_t call_timer;
    struct ork_call *unshown; /* known to run, and not shown as running */
    uv_timer_t unshown_timer;
    unsigned handles; /* uv handles still open at close */
    unsigned works;   /* jobs in uv's thread pool and reads under way */
    bool deadline_over, interrupted;
    ork_id to_rest;      /* run that is being brought to rest, to move to another definition; zero: none */
    bool suspend;        /* stop this process when the commit on its way has landed */
    uint64_t bell_count; /* how often somebody else's change was noticed */
    struct ork_watched {
        ork_id id;
        UT_hash_handle hh;
    } * watched;             /* hash of the schedulers whose death we are told of, each once */
    bool subs_loose;         /* a task waits for a run that another program holds just now */
    bool foreign_ids;        /* a run with ids that are not ours was loaded */
    struct ork_zones *zones; /* owned; NULL until one is asked for */
    struct ork_serve serve;
};

/* engine.c */
int64_t ork_engine_now(ork_engine *e);
int64_t ork_engine_min_free(void); /* bytes of disk that are kept free: ORK_MIN_FREE_MB, or the default */
int ork_engine_register(ork_engine *e, ork_err *err) ORK_MUSTCHECK;
void ork_engine_watch(ork_engine *e); /* listens to the bell */
int ork_engine_drive(ork_engine *e, const bool *done,
                     ork_err *err) ORK_MUSTCHECK; /* runs the loop until *done; EFENCED */
void ork_engine_turn(ork_engine *e);              /* end of a loop turn: dispatch, then commit */

int ork_engine_drive_change(ork_engine *e, const ork_id *run, uint64_t bells, int64_t timeout_ms,
                            ork_err *err) ORK_MUSTCHECK;
int ork_engine_pause(ork_engine *e, int64_t ms, bool or_bell, ork_err *err) ORK_MUSTCHECK; /* ECANCELLED: interrupted */
int ork_engine_watch_owner(ork_engine *e, const ork_id *owner,
                           ork_err *err) ORK_MUSTCHECK; /* wait.c: its death counts as a ring of the bell */
void ork_engine_watch_fini(ork_engine *e);

/* active.c */
struct ork_active *ork_active_new(ork_engine *e, const ork_id *id, ork_workflow *w);
/* A copy that stands in no table, for what is asked about the run beside what becomes of it. Dropped as any other. */
struct ork_active *ork_active_aside(const struct ork_active *of);
struct ork_active *ork_active_find(ork_engine *e, const ork_id *id);
void ork_active_ref(struct ork_active *a);
void ork_active_unref(struct ork_active *a);
void ork_active_drop(struct ork_active *a); /* leaves the table, limits and timers; the agent's claim is released */
void ork_active_task_id(const struct ork_active *a, uint32_t task, ork_id *out);
struct ork_live *ork_active_live(struct ork_active *a, uint32_t task);
struct ork_live *ork_active_live_new(struct ork_active *a, uint32_t task, uint32_t attempt);
void ork_active_live_free(struct ork_active *a, struct ork_live *l);
int ork_active_files(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* log folder and empty input exist */
char *ork_active_file(const struct ork_active *a, uint32_t task, uint32_t attempt, const char *suffix);
/* history.c: what happened to it, in short */
void ork_history_add(struct ork_active *a, const struct ork_event *ev);
char *ork_history_take(struct ork_active *a, size_t *len);      /* since the last: a list of JSON; caller frees */
void ork_history_spread(const char *data, struct ork_buf *out); /* as documents have it */
void ork_active_note(struct ork_active *a);                     /* it has events for run_events */
void ork_active_unnote(struct ork_active *a);
char *ork_active_beside(const char *log_path,
                        const char *suffix);  /* a file of the same attempt, wherever its data directory is */
void ork_active_number(struct ork_active *a); /* after ids were filled in */
/* "clean", "clean/17"; of items until the next call */
const char *ork_active_name(const struct ork_active *a, uint32_t task);
json_t *ork_active_params(struct ork_active *a, uint32_t task); /* of an item: with its element */
int ork_active_task_find(const struct ork_active *a, const char *name,
                         uint32_t *task) ORK_MUSTCHECK;                 /* "load", "load/17" */
const char *ork_active_pool(const struct ork_active *a, uint32_t task); /* NULL none */
void ork_active_place(const struct ork_active *a, uint32_t task, struct ork_limits_place *at);
/* Who only waits takes no place meanwhile, but an item whose list says how many may be under way. */
bool ork_active_keeps_place(const struct ork_limits_place *at);
void ork_active_grow(struct ork_active *a); /* there are more items than before */
int ork_active_by_task(ork_engine *e, const ork_id *task_id, struct ork_active **a,
                       uint32_t *task); /* 0 or ENOTFOUND */

/* step.c: events into the core, effects out of it */
int ork_active_step(
    struct ork_active *a,
    struct ork_event *ev); /* fills now and random; logs and drops stale ones; returns the core's code */
void ork_active_inserted(struct ork_active *a); /* a chunk of task rows is durable: the next one, or the beginning */
void ork_active_begin(struct ork_active *a);    /* all rows are there: START, or RESTORE when resumed */
void ork_active_adopted(struct ork_active *a,
                        uint32_t task); /* tells whoever watches that an attempt was found running */
void ork_active_waits(struct ork_active *a, uint32_t task); /* whoever watches is told so */
void ork_active_release(struct ork_active *a);    /* gives the run up as it stands: nobody owns it after the commit */
void ork_active_limit_time(struct ork_active *a); /* run_timeout, while it runs */
const char *ork_run_cancel_text(int reason);

/* commit.c */
struct ork_unit *ork_commit_unit(ork_engine *e, int type, struct ork_active *owner, bool urgent);
void ork_commit_together(ork_engine *e, size_t rows); /* the next units go into one batch, if they are no more rows */
const char *ork_commit_text(ork_engine *e,
                            char *owned); /* after its unit: keeps the string until the batch is done; returns it */
void ork_commit_task(struct ork_active *a, uint32_t task, const struct ork_task_put *put, bool urgent);
struct ork_after *ork_commit_after(ork_engine *e, int type, struct ork_active *a, uint32_t task);
void ork_commit_call(ork_engine *e, void (*call)(void *, int, const ork_err *),
                     void *data); /* when what was collected so far is durable, or failed */
void ork_commit_answer(ork_engine *e, void (*call)(void *, int, const ork_err *),
                       void *data); /* the same, about the unit added last: EDATA when that one is refused */
void ork_commit_after_fini(struct ork_after *x);
void ork_commit_refused(struct ork_commit *c, const ork_err *err); /* frees it; calls get EDATA */
void ork_commit_flush(ork_engine *e, bool lazy_too);
int ork_commit_possible(const ork_engine *e, ork_err *err) ORK_MUSTCHECK; /* while the database is away: its error */
bool ork_commit_idle(const ork_engine *e);
void ork_commit_fini(ork_engine *e);

/* dispatch.c */
void ork_dispatch_ready(struct ork_active *a, uint32_t task); /* judges `when`, then queues */
void ork_dispatch_strange(struct ork_active *a); /* it began to be cancelled: functions that were held back fail now */
void ork_dispatch_pump(ork_engine *e);           /* starts what limits allow */
void ork_dispatch_again(struct ork_active *a, struct ork_live *l); /* after a restart: the same attempt is sent again */
void ork_dispatch_release(struct ork_active *a, uint32_t task);    /* gives window and pool slots back */
void ork_dispatch_spawn(struct ork_active *a, uint32_t task, uint32_t attempt);

/* inputs.c */
typedef void (*ork_inputs_cb)(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err);
/* Makes every output that `exprs` of the task's params refer to present in the cache; cb at once when it is already,
 * else after a read. */
void ork_inputs_fetch(struct ork_active *a, uint32_t task, json_t *params,
                      ork_inputs_cb cb); /* keeps a reference to params until cb */
void ork_inputs_fetch_all(struct ork_active *a, uint32_t task, json_t *params,
                          ork_inputs_cb cb); /* and the secrets in its env: for an attempt */
/* In cb: the attempt has been given the secrets of its env. */
void ork_inputs_mask(struct ork_active *a, struct ork_live *l, const json_t *params);
struct ork_scope_data {
    struct ork_active *a;
    uint32_t task, attempt;
    const json_t *input;
    json_t *hold;
    json_t *self;
};
void ork_inputs_scope(struct ork_scope_data *d, struct ork_active *a, uint32_t task, uint32_t attempt,
                      struct ork_scope *s);
void ork_inputs_scope_fini(struct ork_scope_data *d);
int ork_inputs_bind(struct ork_active *a, uint32_t task, const json_t *params, struct ork_scope *s, json_t **input,
                    ork_err *err) ORK_MUSTCHECK;

/* events of the agent: hands.c */
int ork_hands_find_program(ork_engine *e, ork_err *err) ORK_MUSTCHECK; /* nothing is started yet */
struct ork_hand *ork_hands_for(ork_engine *e, const char *dir,
                               ork_err *err); /* NULL dir: the data directory's own. NULL: failed */
void ork_hands_kill_all(ork_engine *e);       /* what runs of ours still run */
void ork_hands_use(struct ork_active *a, struct ork_hand *h);
void ork_hands_claim(struct ork_active *a);
bool ork_hands_greet(const ork_engine *e); /* the agent that a run needs which is being created answers in a moment */
bool ork_hands_ready(const ork_engine *e); /* every agent that an owned run uses has answered */
void ork_hands_flush(ork_engine *e);
void ork_hands_close(ork_engine *e); /* drives the loop until they are closed */

/* pools.c */
void ork_pools_wish(ork_engine *e); /* TAKE_SLOTS for what ready tasks want */
void ork_pools_return(ork_engine *e, const char *pool);
void ork_pools_inherited(ork_engine *e, struct ork_left *left);       /* frees the list */
void ork_pools_keep(ork_engine *e, const char *pool, uint32_t slots); /* an adopted attempt holds these */
void ork_pools_turn(struct ork_active *a);                            /* max_active_runs */
void ork_pools_turn_keep(struct ork_active *a);                       /* it goes on without asking */
void ork_pools_turn_over(struct ork_active *a);
void ork_pools_wake(ork_engine *e);

/* start.c */
#define ORK_WISH_COPY "copy"      /* kind of the command that stands for a copy until it is done */
#define ORK_COPY_BYTES (4u << 20) /* of outputs in one commit */
struct ork_copy {                 /* rerun --from: results taken over from another run */
    ork_id run, wish;             /* whose; the command */
    uint32_t n, done;
    struct ork_copied {
        uint32_t from, to; /* place of a task that succeeded there, and its place here */
    } tasks[];
};
struct ork_starting {
    struct ork_new_run row;
    ork_engine *engine;
    ork_workflow *workflow;    /* borrowed */
    json_t *params;            /* owned */
    json_t *part;              /* owned; NULL: all of the definition */
    struct ork_copy *copy;     /* owned; NULL none */
    char *copy_args;           /* owned; of the command */
    struct ork_active *begun;  /* counted: it goes on in memory before its row is known to be stored; NULL: not yet */
    struct ork_commit *commit; /* the batch of its row, while that is collected or at the store */
    bool done;
    int code;
    ork_err err;
};
int ork_start_commit(struct ork_starting *s, struct ork_started *out, ork_err *err) ORK_MUSTCHECK;
/* s->row was created (or is being created) and is ours: it goes on in memory. */
struct ork_active *ork_start_begin(struct ork_starting *s);
char *ork_start_script_path(const ork_workflow *w); /* owned; NULL for a definition made by a host program */
void ork_start_pools(ork_engine *e, const ork_workflow *w);
int ork_start_claim(ork_engine *e, const char *run_id,
                    ork_err *err) ORK_MUSTCHECK; /* whether or not we can call its functions */
/* rerun.c: puts results of a->copy into the new run, before it begins; false: more are left, for after this commit */
bool ork_rerun_copy(struct ork_active *a);
/* The copy of some tasks' results, and the args of its command: owned by the caller. */
int ork_rerun_copy_named(ork_engine *e, const ork_workflow *w, const ork_id *old, const json_t *names,
                         struct ork_copy **copy, char **args, ork_err *err) ORK_MUSTCHECK;
int ork_rerun_recall(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* a->copy of a run that did not begin */

/* part.c: runs that are a part of their definition; part: as stored with the run */
int ork_part_find(const ork_workflow *w, const char *name, uint32_t *no,
                  ork_err *err) ORK_MUSTCHECK; /* ENOTFOUND with a suggestion */
int ork_part_outside(const ork_workflow *w, const json_t *part, uint8_t **outside,
                     ork_err *err) ORK_MUSTCHECK;                         /* owned, a byte per task; NULL: all is in */
int ork_part_leave_out(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* before the run begins or is restored */
void ork_part_why(const struct ork_active *a, struct ork_buf *out);       /* "not part of this run (--to x)" */
const json_t *ork_part_input(const struct ork_active *a, uint32_t task);  /* borrowed; NULL: as the definition says */
int ork_part_sources(ork_engine *e, const ork_workflow *w, json_t *part, struct ork_copy **copy, char **copy_args,
                     ork_err *err) ORK_MUSTCHECK; /* adds "outputs_of"; ESTATE: no run has what is needed */

/* update.c: another definition for a run (engine/update.h) */
#define ORK_WISH_UPDATE "update"             /* kind of the command that stands for the move until it is done */
void ork_update_go_on(struct ork_active *a); /* a->update: the next tasks */
int ork_update_recall(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* a->update of a run that is on its way */
void ork_update_free(struct ork_update *u);                              /* NULL is fine */

/* recover.c */
struct ork_run_task *ork_recover_row(struct ork_active *a, uint32_t task, const struct ork_rows *rows,
                                     size_t i); /* what its row has, into the core */
int ork_recover_again(struct ork_active *old,
                      ork_err *err) ORK_MUSTCHECK; /* drops it and loads the run anew; its poison goes along */
int ork_recover_run(ork_engine *e, const ork_id *id, ork_workflow *same, struct ork_active **out,
                    ork_err *err) ORK_MUSTCHECK; /* it is ours by row: load it and go on */

/* refuse.c: values the database refuses */
void ork_refuse_value(ork_engine *e, struct ork_commit *c, size_t bad_unit,
                      const ork_err *err);   /* c goes back to the head of the queue without it */
void ork_refuse_begun(struct ork_active *a); /* its own row was not stored: what waits of it goes, and it */
const struct ork_poison *ork_refuse_poison(const struct ork_active *a, uint32_t task,
                                           uint32_t attempt); /* NULL: nothing of it was refused */
void ork_refuse_free(struct ork_poison *p);

/* command.c */
void ork_command_look(ork_engine *e); /* reads and carries out open commands of my runs */
void ork_engine_bell(void *data);

#include "engine/doc.h" /* documents */
#endif
