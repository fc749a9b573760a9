/* SPDX-License-Identifier: MIT */
/* The store contract. One write path: apply(batch), atomic behind the scheduler's fence; reads are named queries.
 * A backend is a `const struct ork_store_ops`; callers use the ork_store_* functions and never ask which one it is.
 *
 * Threads: all calls from the loop thread; callbacks come on the loop thread, exactly once, never from inside the call.
 * A batch and everything it points to belongs to the store until its callback. One batch at a time (the engine collects
 * the next meanwhile: group commit). */
#ifndef ORK_STORE_STORE_H
#define ORK_STORE_STORE_H
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "core/run.h"
#include <string.h>
#include <uv.h>

/* ---- rows ----------------------------------------------------------------------------------- */

/* Task ids need no memory: the run's id with its last four bytes replaced by the task index (big endian); still a valid
 * v7, ordered, so inserts stay local in the index. Rows of a taken-over database have other ids. */
void ork_task_id(const ork_id *run_id, uint32_t index, ork_id *out);
uint32_t
ork_task_number(const ork_id *id); /* the index it was made from; its task may have another by now (REDEFINE) */
bool ork_task_is_of(const ork_id *id, const ork_id *run_id); /* was it made so from that run's id? */

struct ork_text {
    const char *p;
    size_t n;
}; /* p NULL: SQL NULL; borrowed */

/* Slots that came with a run of a scheduler that is gone: they count for the new owner, who gives them back once it
 * holds what the run itself needs. */
struct ork_left {
    struct ork_left *next;
    char *pool; /* owned */
    uint32_t count;
};
void ork_left_free(struct ork_left *list);
struct ork_new_run { /* unit CREATE_RUN */
    ork_id id;       /* of the run if it is created */
    const ork_workflow *workflow;
    struct ork_text hash, tasks_json, options_json, source_json; /* the snapshot, found or put by hash */
    ork_id workflow_id,
        snapshot_id; /* ids to use for rows that do not exist yet; outcome: the snapshot of a created run */
    struct ork_text params, triggered_by, key, script_dir, script_path;
    struct ork_text part; /* canonical JSON; p NULL: all of the definition */
    int32_t priority;
    int64_t now_ms, logical_ms, scheduled_for_ms; /* scheduled_for 0: none */
    int64_t run_timeout_ms;
    uint32_t tasks_total;
    bool resume; /* take an unfinished ownerless run of the same workflow, snapshot, params and triggered_by; not with a
                    key, which names the run itself */
    bool patient;       /* EARLY is an answer to it */
    bool at;            /* logical_ms was asked for: what is resumed must have the same */
    ork_id parent_task; /* it is run for that task of another run; zero: none */
    ork_id rerun_of;    /* zero: none. workflow NULL: the run uses rerun_snapshot of rerun_workflow */
    ork_id rerun_snapshot, rerun_workflow;
    /* outcome */
    enum {
        ORK_CREATED,
        ORK_RESUMED,
        ORK_OWNED,
        ORK_FINISHED,
        ORK_EARLY
    } how;                 /* RESUMED: claimed by this batch; OWNED, FINISHED: run found by key; EARLY: nothing was
                              stored, since its owner is gone, it seems, and counts as dead only later */
    int64_t early_ms;      /* EARLY: then; 0: when its lock falls … */
    bool lingers;          /* … which something that is ending still holds */
    ork_id run_id;         /* the run it is about */
    ork_id owner;          /* OWNED: whose */
    struct ork_left *left; /* RESUMED: as of a claim */
};
struct ork_run_put { /* unit RUN: the mutable columns of an owned run */
    ork_id id;
    int status;
    int64_t started_ms, finished_ms; /* 0: NULL */
    struct ork_text error;
    struct ork_text output; /* canonical JSON; p NULL: none */
    int cancel_reason;      /* enum ork_run_cancel; durable so that a restart goes on cancelling */
    bool killed;
    bool release; /* the run ended or is handed over: scheduler_id := NULL */
};
struct ork_tasks_insert { /* unit TASKS: rows [first, first+count) of a run, pending; existing ones are kept */
    ork_id run_id;
    const ork_workflow *workflow;
    uint32_t first, count;
    int64_t now_ms;
};
/* Items of tasks (one per element of a list) have numbers from here on, reserved by range: places of a definition's own
 * tasks are below, however it changes. */
#define ORK_ITEMS_FROM (1u << 24)
struct ork_task_put { /* unit TASK: the mutable columns of one task */
    ork_id id;
    uint32_t item,
        number;    /* item > 0: it is that element of the list of task `parent`, and has task_index `number`; its */
    ork_id parent; /* row is made if there is none */
    int status;
    uint32_t attempt, failures, lost;
    int kind; /* enum ork_kind of the last failure; 0: NULL */
    struct ork_text execution_name, output, error, logs;
    bool fresh;                /* an item that has had no row: for all its owner knows, so nothing rests on it */
    bool set_output, set_logs; /* false: the column is left alone */
    int64_t dispatched_ms, started_ms, finished_ms, retry_at_ms; /* 0: NULL */
};
struct ork_task_map { /* unit TASK_MAP: what a task is to be done for, and the numbers its items have */
    ork_id id, run_id;
    bool set;              /* false: it has no items (any more) */
    uint32_t count, first; /* first + count: the run's next_task_index */
    struct ork_text items; /* JSON list */
};
#define ORK_ITEMS_INLINE (64u << 10) /* bytes of a list that stay in the task's row */
struct ork_attempt_put {             /* unit ATTEMPT: insert or replace (task_id, attempt) */
    ork_id task_id, agent_id;
    uint32_t attempt;
    int status;            /* enum ork_task_status: dispatched running success failed cancelled */
    int kind;              /* enum ork_kind */
    int exit_code, signal; /* -1, 0: NULL */
    struct ork_text error, execution_name, log_path, host;
    const struct ork_new_run *created; /* borrowed: an earlier unit of the batch, whose snapshot it is; NULL: … */
    ork_id snapshot_id;                /* … this one; zero: NULL */
    int64_t log_bytes, started_ms, finished_ms, user_ms, system_ms, max_rss_kb; /* -1 or 0: NULL as fits */
};
struct ork_job_put { /* unit JOB: insert a deferred job, or what changes of it: data, status, error, polled, finished */
    ork_id id, task_id;
    uint32_t attempt;          /* of the task; whose end it is if the row is refused */
    const char *type, *status; /* columns service_type and status; static */
    struct ork_text job_id, data, error;
    int64_t started_ms, polled_ms, finished_ms; /* 0: NULL */
};
struct ork_artifact_put { /* unit ARTIFACT: insert or replace (task_id, name) */
    ork_id task_id, run_id;
    uint32_t attempt;
    struct ork_text name, hash;
    int64_t bytes, now_ms;
};
struct ork_event_put {
    ork_id run_id;
    int64_t at_ms;
    struct ork_text data;
}; /* unit EVENT: seq is the run's next */
struct ork_agent_put {
    ork_id id;
    struct ork_text host, boot_id, socket;
}; /* unit AGENT */
struct ork_pool_put {
    const char *name;
    uint32_t slots;
}; /* unit POOL: declare */
struct ork_slots {
    const char *pool;
    uint32_t want, least; /* fewer than `least` are of no use: then none are granted */
    uint32_t granted;
    bool keep; /* what holds them lives already: all are taken; granted tells for how many there was room */
};             /* unit TAKE_SLOTS; a wish that is not met in full is remembered; a pool nobody declared has one slot */
struct ork_slots_free {
    const char *pool;
    uint32_t count;
    bool wakes;
}; /* unit FREE_SLOTS; outcome wakes: somebody waits there → bell */
struct ork_command_new {
    ork_id id, run_id, task_id;
    const char *kind;
    struct ork_text args, by;
    int64_t now_ms;
}; /* unit COMMAND */
struct ork_command_done {
    ork_id id;
    int64_t now_ms;
    struct ork_text outcome;
}; /* unit COMMAND_DONE */
struct ork_claim {
    ork_id run_id;
    bool claimed;
    ork_id owner;
    int status;
    /* Not claimed: processes of it may live on this host, which has the first right to it for so long (-1: as long as a
     * server lives there). */
    bool bound;
    char host[64];
    int64_t bound_ms;
    struct ork_left *left; /* claimed; the caller's */
};                         /* unit CLAIM: owner is NULL, dead (lock free) or me. outcome; owner when not claimed */

/* Unit APPLY: what is the current definition of some workflows, all of it or (the batch failing) nothing. Texts are
 * borrowed. The numbers of versions are given inside the transaction, so no two get the same. */
struct ork_apply_item {
    enum {
        ORK_APPLY_PUT,   /* this definition; its snapshot is found or put by hash */
        ORK_APPLY_BACK,  /* the version that is there */
        ORK_APPLY_REMOVE /* none any more; versions and runs stay */
    } what;
    const char *name;
    ork_id workflow_id, snapshot_id; /* PUT: for rows that do not exist yet */
    struct ork_text hash, tasks_json, options_json, source_json, script_dir, script_path; /* PUT */
    uint32_t tasks;                                                                       /* PUT: how many */
    struct ork_text schedule; /* PUT, BACK: the option as JSON; p NULL: it has none */
    int64_t next_ms, fire_ms; /* its next time from now, and the instant to act on that; 0 none */
    uint32_t version;         /* BACK: which; REMOVE: only while that one is current, 0 whichever is */
    /* outcome: numbers of the version that was and the one that is current, 0 none; equal: nothing changed */
    uint32_t was, is;
    bool missing; /* BACK: no such workflow or version; REMOVE: it is not current. Nothing was done */
};
struct ork_apply {
    struct ork_apply_item *items;
    size_t n;
    struct ork_text by;
    int64_t now_ms;
};

/* Unit SWEEP: removes finished runs that nobody lives on, in the order given, until about `rows` rows are gone. A run
 * that does not fit is marked first and found by nobody from then on; the next sweep goes on with it. */
struct ork_sweep_run {
    ork_id id;
    /* outcome of GONE: where its logs were, owned by whoever asked; NULL: where the data directory has them */
    char *dir;
    enum {
        ORK_SWEEP_LATER, /* outcome: not looked at, or not all of it is gone */
        ORK_SWEEP_GONE,  /* its log folder is noted in run_remains */
        ORK_SWEEP_KEPT   /* unfinished, owned, needed by another run, or it ended after `before` */
    } how;
};
struct ork_sweep {
    struct ork_sweep_run *runs;
    size_t n;
    uint32_t rows;
    int64_t before_ms, now_ms; /* before 0: any end */
    uint32_t removed;          /* outcome: rows */
    uint32_t tasks;            /* outcome: of them, tasks */
};
struct ork_forget { /* unit FORGET: the log folders of these removed runs are gone */
    const ork_id *runs;
    size_t n;
};
struct ork_discard { /* unit DISCARD: of a workflow, definitions nobody refers to; `workflow`: itself, if it has no runs
                      */
    ork_id workflow_id;
    uint32_t rows; /* at most so many definitions */
    bool workflow;
    uint32_t removed; /* outcome: definitions */
    bool gone;        /* outcome: the workflow */
};

/* Unit REDEFINE: a run that nobody lives on (or that is ours) moves to another definition, is ours and runs again;
 * `wish` is stored with it. Its tasks follow by the units below; until the wish is done they may be anywhere. */
struct ork_redefine {
    ork_id run_id, workflow_id, old_snapshot; /* as they were looked at */
    int old_status;
    ork_id snapshot_id; /* to use if there is none of that hash; outcome: the run's */
    struct ork_text hash, tasks_json, options_json, source_json, params, script_dir, script_path;
    int64_t now_ms, run_timeout_ms;
    uint32_t tasks_total, next_index; /* next_index: the first number that no id of its tasks has */
    struct ork_command_new wish;
    bool moved;   /* outcome; false: it is another's, or not as it was any more. Nothing was done */
    ork_id owner; /* outcome: whose; zero nobody's */
};
struct ork_task_define { /* unit TASK_DEFINE: a task under its run's new definition; inserted if there is no row `id` */
    ork_id id, run_id;
    const ork_workflow *workflow;
    uint32_t no;
    bool again; /* pending, whatever it was */
    bool items; /* …but its list stays, with what its items did */
    int64_t now_ms;
};
struct ork_items_again { /* unit ITEMS_AGAIN: those that did not succeed are pending, with their attempts left */
    ork_id run_id;
    uint32_t first, last; /* task_index */
};
struct ork_task_park { /* unit TASK_PARK: out of the way; index < 0: no list shows it, `show RUN TASK` does */
    ork_id id;
    int64_t index;
};

/* Unit FIRE: one step of a schedule, done if nobody came first: its time is acted on and the next one noted, in one. */
struct ork_fire {
    ork_id workflow_id, snapshot_id; /* as they were looked at */
    int64_t expected_ms;             /* its next time then */
    int64_t next_ms, fire_ms;        /* the time after this one, and the instant to act on it; 0: none any more */
    int64_t now_ms;
    struct ork_new_run *run; /* borrowed, of the workflow and snapshot; NULL: nothing starts, it only goes on */
    bool alone;              /* not while an unfinished run of the schedule is there: then it is passed over … */
    bool queued;             /* the next time has waited, too: it is not missed by being late */
    bool wait;               /* … or waits for the end of that run */
    bool cancel;             /* … which is asked of it */
    struct ork_text note, busy_note; /* kept for people: when it is done; when it is passed over */
    enum {
        ORK_FIRE_LOST,   /* outcome: it is not as it was looked at; nothing was done */
        ORK_FIRE_MOVED,  /* no run was wanted */
        ORK_FIRE_RUN,    /* created and ours */
        ORK_FIRE_EXISTS, /* that time has a run already */
        ORK_FIRE_PASSED,
        ORK_FIRE_WAITS
    } how;
    ork_id busy; /* PASSED, WAITS: the run that goes on */
};
struct ork_schedule_put { /* unit SCHEDULE: the operator's switch, or another next time */
    ork_id workflow_id;
    int enabled;         /* 1 on, 0 off; -1: as it is */
    int64_t expected_ms; /* only while this is its next time (0: it has none); -1: whichever */
    int64_t next_ms, fire_ms, now_ms;
    bool changed; /* outcome */
};
struct ork_schedule_note { /* unit SCHEDULE_NOTE */
    ork_id workflow_id;
    struct ork_text note; /* JSON; p NULL: nothing is wrong any more */
};
struct ork_script_error {       /* unit SCRIPT_ERROR: of all workflows that came from that script */
    struct ork_text path, text; /* text p NULL: none */
};

enum ork_unit_type {
    ORK_UNIT_RUN,
    ORK_UNIT_TASKS,
    ORK_UNIT_TASK,
    ORK_UNIT_ATTEMPT,
    ORK_UNIT_JOB,
    ORK_UNIT_ARTIFACT,
    ORK_UNIT_EVENT,
    ORK_UNIT_AGENT,
    ORK_UNIT_POOL,
    ORK_UNIT_CREATE_RUN,
    ORK_UNIT_CLAIM,
    ORK_UNIT_TAKE_SLOTS,
    ORK_UNIT_FREE_SLOTS,
    ORK_UNIT_COMMAND,
    ORK_UNIT_COMMAND_DONE,
    ORK_UNIT_APPLY,
    ORK_UNIT_SWEEP,
    ORK_UNIT_FORGET,
    ORK_UNIT_DISCARD,
    ORK_UNIT_REDEFINE,
    ORK_UNIT_TASK_DEFINE,
    ORK_UNIT_TASK_PARK,
    ORK_UNIT_ITEMS_AGAIN,
    ORK_UNIT_FIRE,
    ORK_UNIT_SCHEDULE,
    ORK_UNIT_SCHEDULE_NOTE,
    ORK_UNIT_SCRIPT_ERROR,
    ORK_UNIT_TASK_MAP
};
struct ork_unit {
    int type;
    union {
        struct ork_run_put run;
        struct ork_tasks_insert tasks;
        struct ork_task_put task;
        struct ork_attempt_put attempt;
        struct ork_job_put job;
        struct ork_artifact_put artifact;
        struct ork_event_put event;
        struct ork_agent_put agent;
        struct ork_pool_put pool;
        struct ork_new_run *create; /* borrowed: outcome is read there */
        struct ork_claim *claim;
        struct ork_slots *take;
        struct ork_slots_free *free;
        struct ork_command_new command;
        struct ork_command_done done;
        struct ork_redefine *redefine; /* borrowed: outcome is read there */
        struct ork_task_define define;
        struct ork_task_park park;
        struct ork_items_again items_again;
        struct ork_apply *apply; /* borrowed, as the next three */
        struct ork_sweep *sweep;
        struct ork_forget *forget;
        struct ork_discard *discard;
        struct ork_fire *fire; /* borrowed, as the next */
        struct ork_schedule_put *schedule;
        struct ork_schedule_note schedule_note;
        struct ork_script_error script_error;
        struct ork_task_map map;
    };
};
struct ork_batch {
    struct ork_unit *units; /* owned by the batch; what it points to is borrowed */
    size_t len, cap;
    size_t rows, bytes; /* running estimate, for the bounds: at most 2,000 rows or 8 MiB */
    bool ring;          /* others must look: new run, command, ended run */
    uint64_t mark;      /* a store's own: which batch it is, over all tries; 0: not tried yet */
};
struct ork_unit *ork_batch_add(struct ork_batch *b, int type); /* zeroed, valid until the next add */
void ork_batch_clear(struct ork_batch *b);
void ork_batch_fini(struct ork_batch *b);

/* ---- results of reads ------------------------------------------------------------------------ */

enum ork_cell_type { ORK_CELL_NULL, ORK_CELL_INT, ORK_CELL_REAL, ORK_CELL_TEXT, ORK_CELL_BLOB };
struct ork_cell { /* i, r and p share their place: look at type first */
    int type;
    uint32_t n; /* bytes of p */
    union {
        int64_t i;
        double r;
        const char *p;
    }; /* p is NUL-terminated, owned by the rows */
};
struct ork_rows;
size_t ork_rows_len(const struct ork_rows *r);
size_t ork_rows_cols(const struct ork_rows *r);
const char *ork_rows_col(const struct ork_rows *r, size_t col);
const struct ork_cell *ork_rows_cell(const struct ork_rows *r, size_t row, size_t col);
/* By column name; asserts that it exists. Times come as TEXT in one of the three formats: ork_rows_time reads them (0:
 * NULL). */
const struct ork_cell *ork_rows_get(const struct ork_rows *r, size_t row, const char *col);
const char *ork_rows_text(const struct ork_rows *r, size_t row, const char *col); /* NULL for NULL */
int64_t ork_rows_int(const struct ork_rows *r, size_t row, const char *col, int64_t if_null);
int64_t ork_rows_time(const struct ork_rows *r, size_t row, const char *col);
bool ork_rows_id(const struct ork_rows *r, size_t row, const char *col, ork_id *out); /* false: NULL */
void ork_rows_free(struct ork_rows *r);

struct ork_param {
    int type;
    int64_t i;
    const char *p;
    size_t n;
}; /* as ork_cell_type; ids as BLOB of 16 */
#define ORK_P_NULL ((struct ork_param){ORK_CELL_NULL, 0, NULL, 0})
#define ORK_P_INT(v) ((struct ork_param){ORK_CELL_INT, (v), NULL, 0})
static inline struct ork_param ork_param_text(const char *s)
{
    return s ? (struct ork_param){ORK_CELL_TEXT, 0, s, strlen(s)} : (struct ork_param){ORK_CELL_NULL, 0, NULL, 0};
}
#define ORK_P_TEXT(s) ork_param_text(s) /* NULL: SQL NULL */
#define ORK_P_ID(id) ((struct ork_param){ORK_CELL_BLOB, 0, (const char *)(id)->b, 16})

/* Named queries: runtime/store/sql/sqlite/<name>.sql, whose first lines state policy, parameters and columns. */
#define ORK_QUERIES(X)                                                                                                 \
    X(run_get)    /* id → one run joined with workflow name, owner state */                                          \
    X(run_parent) /* id → the task it is run for: run_id, workflow, status, task_name, map_index, awaited */         \
    X(runs_list)  /* workflow|null, status csv|null, since|null, before created_at|null, before id|null, limit */      \
    X(runs_match) /* lower-case hex prefix, suffix (either may match), limit → id, workflow name, status, created_at \
                   */                                                                                                  \
    X(runs_of_workflow)   /* name, offset → the newest but offset */                                                 \
    X(run_of_key)         /* workflow name, key → id */                                                              \
    X(run_of_time)        /* workflow name, scheduled_for → id */                                                    \
    X(run_last)           /* → the newest run */                                                                     \
    X(runs_mine)          /* scheduler id → unfinished runs it owns */                                               \
    X(runs_orphans)       /* → unfinished runs whose owner is NULL or not 'live' by row (locks are checked by        \
                             ork_store_owner_alive) */                                                                 \
    X(runs_unfinished)    /* limit → n, no more than limit; whosever */                                              \
    X(run_script)         /* run id → how many workflows its script gave */                                          \
    X(snapshot_inline)    /* of a run that has inline tasks → hash */                                                \
    X(snapshot_get)       /* id → name, tasks_json, options, source, hash */                                         \
    X(tasks_load)         /* run id → what recovery needs, ordered by task_index; no output, no logs */              \
    X(tasks_list)         /* run id, status csv|null, after index, limit → all columns but output and logs */        \
    X(tasks_counts)       /* run id → status, count, waiting: how many of those only wait for deferred jobs */       \
    X(task_get)           /* run id, task name → all columns */                                                      \
    X(task_output)        /* run id, task index → status, output, error */                                           \
    X(attempts_of_task)   /* task id */                                                                                \
    X(attempts_live)      /* run id → attempts dispatched or running, with agent's boot_id and socket */             \
    X(jobs_open)          /* run id → open deferred jobs of its running tasks, with task_index and attempt */        \
    X(jobs_of_task)       /* task id */                                                                                \
    X(artifacts_of_run)   /* run id, name|null → what its tasks left to be kept */                                   \
    X(jobs_failing)       /* limit → open ones whose last question brought an error, in all runs */                  \
    X(approvals_open)     /* limit → what people are asked, in all runs */                                           \
    X(commands_open)      /* scheduler id → open commands of runs it owns, by created_at, id */                      \
    X(commands_of_run)    /* run id → all, for history */                                                            \
    X(events_of_run)      /* run id, after seq, limit */                                                               \
    X(events_last)        /* run id → seq of the newest, 0 none */                                                   \
    X(owner_get)          /* scheduler id → row */                                                                   \
    X(pools_list)         /* → name, slots, used */                                                                  \
    X(pool_users)         /* pool, scheduler id → the other schedulers, live by row, that hold slots of it */        \
    X(runs_ended)         /* ended since, created since → status, count */                                           \
    X(schedulers_list)    /* → those live by row, with their role */                                                 \
    X(items_load)         /* run id, first, last task_index, limit → what recovery needs of items that have a row */ \
    X(items_list)         /* the same → task_index, status, output, error */                                         \
    X(items_page)         /* run id, status csv|null, first, last task_index, limit → as tasks_list */               \
    X(items_counts)       /* run id, first, last task_index → status, count, waiting */                              \
    X(task_items_get)     /* task id → map_count, map_first, items */                                                \
    X(tasks_outputs)      /* run id, after index, limit → task_index, task_name, output */                           \
    X(waiting_runs)       /* → runs pending, running, paused */                                                      \
    X(workflows_list)     /* name|null, applied ones only, name before the page|null, limit */                         \
    X(versions_list)      /* workflow name → its versions, newest number first */                                    \
    X(version_open)       /* workflow name, version (0: the current one) → its definition */                         \
    X(runs_old)           /* workflow id, finished before|null, created_at|null and id|null of the oldest run kept,    \
                             created_at|null and id|null before the page, limit → finished runs, oldest first */     \
    X(runs_old_count)     /* the first four of runs_old → runs, tasks */                                             \
    X(runs_within)        /* workflow id, bytes → how many of its newest finished runs have logs of no more */       \
    X(run_nth)            /* workflow id, offset → the finished run so far behind the newest finished one */         \
    X(runs_doomed)        /* limit → runs whose removal was interrupted */                                           \
    X(remains_list)       /* run id before the page|null, limit → removed runs whose logs may still be there */      \
    X(schedules_due)      /* limit → schedules in the order in which they are to be acted on */                      \
    X(schedules_list)     /* name|null, on only, name before the page|null, limit → workflows with a schedule */     \
    X(schedules_head)     /* limit → what comes next */                                                              \
    X(schedules_troubled) /* limit → workflows whose schedule or script is in trouble */                             \
    X(owed_within)        /* run → its runs of tasks, at any depth, whose handlers were not all called */            \
    X(commands_free)      /* limit → open commands of runs that nobody owns */                                       \
    X(runs_free)          /* limit → unfinished runs that nobody owns */                                             \
    X(runs_left)          /* → unfinished runs whose owner is gone by its row */
enum ork_query {
#define X(name) ORK_Q_##name,
    ORK_QUERIES(X)
#undef X
        ORK_Q_COUNT
};

/* ---- the store -------------------------------------------------------------------------------- */

struct ork_store_opts {
    uv_loop_t *loop;               /* borrowed */
    const struct ork_clock *clock; /* borrowed */
    const struct ork_log *log;     /* borrowed */
    uint32_t flags;                /* ORK_OPEN_* of ork.h */
    int64_t host_grace_ms; /* how long a run whose processes may live waits for a scheduler of their host; 0: 5 min */
};
typedef struct ork_store ork_store;
typedef void (*ork_apply_cb)(void *data, int code, const ork_err *err,
                             size_t bad_unit); /* code EDATA: nothing was stored, bad_unit is the culprit */
typedef void (*ork_read_cb)(void *data, int code, const ork_err *err,
                            struct ork_rows *rows); /* rows are the callee's, NULL on failure */
typedef void (*ork_bell_cb)(void *data);
typedef void (*ork_owner_cb)(void *data, const ork_id *scheduler); /* its owner died */
typedef void (*ork_store_close_cb)(void *data);

/* Opens and, unless ORK_OPEN_READ, migrates. Errors say what the user can do: missing, corrupt, foreign, newer,
 * read-only, no space, network file system. */
int ork_store_open(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err) ORK_MUSTCHECK;
void ork_store_close(ork_store *s, ork_store_close_cb cb,
                     void *data); /* after the batch in flight; scheduler row → 'ended', lock file removed */
const char *ork_store_path(const ork_store *s); /* database file (real path); NULL: there is none */
bool ork_store_remote(const ork_store *s);      /* no file, but kept: by a server */
int ork_store_path_of_url(const char *url, char **path, ork_err *err) ORK_MUSTCHECK; /* NULL path: no file */
char *ork_store_url_plain(const char *url); /* to show: without passwords; ork_free */

/* Becomes a scheduler: row in `schedulers` with the next seq, owner lock held. Synchronous. Once, and again only after
 * ORK_EFENCED: as a new one. */
int ork_store_register(ork_store *s, const char *host, const char *role, ork_id *scheduler, uint64_t *seq,
                       ork_err *err) ORK_MUSTCHECK; /* role: "serve" takes up runs of others; NULL */
/* An agent refused a run, since a higher seq had claimed it. *mine: the run is this scheduler's nevertheless (whoever
 * registered later and had it is gone); then *seq is a new one, higher than all there are. Synchronous. */
int ork_store_outbid(ork_store *s, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err) ORK_MUSTCHECK;
bool ork_store_owner_alive(ork_store *s,
                           const ork_id *scheduler); /* its lock is held by a live process (or it is me) */
/* cb once, when that owner's lock is free; a thread blocks in F_OFD_SETLKW. Keeps the loop alive until then; unwatch by
 * closing the store. */
int ork_store_owner_watch(ork_store *s, const ork_id *scheduler, ork_owner_cb cb, void *data,
                          ork_err *err) ORK_MUSTCHECK;

/* Commits a batch. On the loop when small and the disk is quick and the turn is free, else on the writer thread.
 * Without a registration only COMMAND units and conditional ones are allowed (no fence). Blocking variant for programs
 * that only leave a command. */
void ork_store_apply(ork_store *s, struct ork_batch *b, ork_apply_cb cb, void *data);
void ork_store_read(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb,
                    void *data); /* params are copied */
int ork_store_query(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                    ork_err *err) ORK_MUSTCHECK; /* blocks; for programs that only look */
void ork_store_on_bell(
    ork_store *s, ork_bell_cb cb,
    void *data); /* starts watching, which keeps the loop alive; NULL stops. Look once after starting */

/* cb after commits of other processes that changed a run, many of which may come as one. Who owns runs only says so
 * while somebody listens. Starts watching, as on_bell; NULL stops. Look once after starting. */
void ork_store_on_news(ork_store *s, ork_bell_cb cb, void *data);

int ork_store_status_json(ork_store *s, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK; /* see ork_db_status_json */
int ork_store_schema(void);          /* the newest schema version of this build */
const char *ork_store_library(void); /* version of the database library: "3.40.1" of SQLite */
int ork_store_wal(
    ork_store *s); /* of a file of SQLite's: 1 it has a write-ahead log, 0 not; -1: it is none, or not known */
int ork_store_check_json(ork_store *s, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* For `ork doctor`: what a server says of itself, a call of cb for each finding; hint NULL: nothing to do. Databases
 * that are files have nothing to say here. */
enum ork_examine { ORK_EXAMINE_OK, ORK_EXAMINE_WARNING, ORK_EXAMINE_PROBLEM };
typedef void (*ork_examine_cb)(void *data, int state, const char *name, const char *hint, const char *text);
int ork_store_examine(ork_store *s, ork_examine_cb cb, void *data, ork_err *err) ORK_MUSTCHECK;
#endif
