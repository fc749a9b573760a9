/* SPDX-License-Identifier: MIT */
/* ork.h: the public header of libork, with copy.h and schedule.h behind it. The command line, the Lua bindings and
 * (later) the HTTP server are clients of it and of nothing else.
 *
 * Conventions, true for every function here:
 *  - fallible functions return 0 or a negative ORK_E* code; the last parameter `err` (may be NULL) is
 *    filled exactly on failure;
 *  - strings are UTF-8; `(ptr, len)` pairs need no NUL; returned `char *` are the caller's, freed by ork_free;
 *  - times are milliseconds since 1970-01-01 UTC, durations milliseconds, unless the name says otherwise;
 *  - values of users (params, inputs, outputs) cross as canonical JSON text (docs/internals/json.md);
 *  - one engine belongs to one thread and one uv loop; two engines in one process are independent. */
#ifndef ORK_ORK_H
#define ORK_ORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ORK_API __attribute__((visibility("default")))
#define ORK_MUSTCHECK __attribute__((warn_unused_result))
#define ORK_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- errors --------------------------------------------------------------------------------- */

/* constant, value, symbol for Lua, text, exit code of the program, HTTP status, worth a retry */
#define ORK_ERRORS(X)                                                                                                  \
    X(ORK_EINVAL, -1, "EINVAL", "invalid argument", 2, 400, 0)                                                         \
    X(ORK_EDEF, -2, "EDEF", "the definition has mistakes", 2, 422, 0)                                                  \
    X(ORK_EJSON, -3, "EJSON", "not valid JSON", 2, 400, 0)                                                             \
    X(ORK_ETYPE, -4, "ETYPE", "the value has the wrong type", 2, 422, 0)                                               \
    X(ORK_ETOOBIG, -5, "ETOOBIG", "too large", 2, 413, 0)                                                              \
    X(ORK_ENOTFOUND, -6, "ENOTFOUND", "not found", 4, 404, 0)                                                          \
    X(ORK_EAMBIGUOUS, -7, "EAMBIGUOUS", "matches more than one", 2, 409, 0)                                            \
    X(ORK_EEXIST, -8, "EEXIST", "exists already", 2, 409, 0)                                                           \
    X(ORK_ESTATE, -9, "ESTATE", "not possible in this state", 2, 409, 0)                                               \
    X(ORK_EBUSY, -10, "EBUSY", "in use by another process", 3, 409, 1)                                                 \
    X(ORK_EIO, -11, "EIO", "input/output error", 3, 500, 1)                                                            \
    X(ORK_ENOSPC, -12, "ENOSPC", "no space left", 3, 507, 1)                                                           \
    X(ORK_EACCESS, -13, "EACCESS", "permission denied", 3, 403, 0)                                                     \
    X(ORK_EREADONLY, -14, "EREADONLY", "read-only", 3, 403, 0)                                                         \
    X(ORK_EDB, -15, "EDB", "database error", 3, 500, 1)                                                                \
    X(ORK_ECORRUPT, -16, "ECORRUPT", "damaged", 3, 500, 0)                                                             \
    X(ORK_ENEWER, -17, "ENEWER", "made by a newer version", 3, 409, 0)                                                 \
    X(ORK_EFOREIGN, -18, "EFOREIGN", "not a database of Ork", 3, 409, 0)                                               \
    X(ORK_EDATA, -19, "EDATA", "the database refuses a value", 3, 422, 0)                                              \
    X(ORK_EFENCED, -20, "EFENCED", "another scheduler took over", 3, 409, 0)                                           \
    X(ORK_EPROTO, -21, "EPROTO", "protocol violated", 3, 500, 0)                                                       \
    X(ORK_EAGENT, -22, "EAGENT", "the agent cannot be started or reached", 3, 500, 1)                                  \
    X(ORK_EENV, -23, "EENV", "the environment lacks something", 3, 500, 0)                                             \
    X(ORK_ETIMEDOUT, -24, "ETIMEDOUT", "timeout", 124, 504, 1)                                                         \
    X(ORK_ECANCELLED, -25, "ECANCELLED", "cancelled", 130, 409, 0)                                                     \
    X(ORK_ENOVALUE, -26, "ENOVALUE", "a reference has no value", 2, 422, 0)

enum ork_error {
#define X(name, value, symbol, text, exit_code, http, retryable) name = value,
    ORK_ERRORS(X)
#undef X
};

typedef struct ork_err {
    int code;      /* ORK_E* */
    char msg[768]; /* one or more sentences for a person; no newline at the end */
} ork_err;

ORK_API const char *ork_err_symbol(int code); /* "ENOTFOUND"; "EUNKNOWN" for no code of ours */
ORK_API const char *ork_err_text(int code);   /* general text of the row */
ORK_API int ork_err_exit_code(int code);      /* what the program ends with */

ORK_API void ork_free(void *p);        /* frees what this library returned; NULL is fine */
ORK_API const char *ork_version(void); /* "0.1.0" or "0.1.0-12-gabcdef" */

/* ---- identifiers ---------------------------------------------------------------------------- */

typedef struct ork_id {
    uint8_t b[16];
} ork_id; /* a UUID, v7 for rows of ours */

#define ORK_ID_TEXT 37
ORK_API void ork_id_format(const ork_id *id, char out[ORK_ID_TEXT]); /* hyphenated, lower case */

/* ---- statuses and words --------------------------------------------------------------------- */

enum ork_run_status {
    ORK_RUN_PENDING,
    ORK_RUN_RUNNING,
    ORK_RUN_PAUSED,
    ORK_RUN_SUCCESS,
    ORK_RUN_FAILED,
    ORK_RUN_CANCELLED
};
enum ork_task_status {
    ORK_TASK_PENDING,
    ORK_TASK_PAUSED,
    ORK_TASK_DISPATCHED,
    ORK_TASK_RUNNING,
    ORK_TASK_SUCCESS,
    ORK_TASK_FAILED,
    ORK_TASK_CANCELLED,
    ORK_TASK_SKIPPED
};
/* why an attempt ended badly (design: semantics, "Kinds") */
enum ork_kind {
    ORK_KIND_NONE,
    ORK_KIND_EXIT,
    ORK_KIND_SIGNAL,
    ORK_KIND_TIMEOUT,
    ORK_KIND_SPAWN,
    ORK_KIND_LOST,
    ORK_KIND_ERROR,
    ORK_KIND_INPUT,
    ORK_KIND_OUTPUT,
    ORK_KIND_REMOTE,
    ORK_KIND_REJECTED,
    ORK_KIND_POLICY,
    ORK_KIND_CANCELLED
};
enum ork_rule {
    ORK_RULE_ALL_SUCCESS,
    ORK_RULE_NONE_FAILED,
    ORK_RULE_ALL_DONE,
    ORK_RULE_ALWAYS,
    ORK_RULE_ALL_FAILED,
    ORK_RULE_ONE_FAILED,
    ORK_RULE_ONE_SUCCESS
};
ORK_API const char *ork_run_status_name(int status); /* "pending" …; NULL outside the enum */
ORK_API const char *ork_task_status_name(int status);
ORK_API const char *ork_kind_name(int kind);        /* "exit" …; "" for NONE */
ORK_API const char *ork_rule_name(int rule);        /* "all_success" … */
ORK_API int ork_run_status_parse(const char *name); /* -1: unknown */
ORK_API int ork_task_status_parse(const char *name);
ORK_API int ork_kind_parse(const char *name);
ORK_API int ork_rule_parse(const char *name);

/* ---- values --------------------------------------------------------------------------------- */

struct json_t; /* jansson */

/* Text to tree; refuses duplicate keys, U+0000, lone surrogates, numbers outside int64/double, depth > 200. The caller
 * json_decref's *out. */
ORK_API int ork_json_parse(const char *text, size_t len, struct json_t **out, ork_err *err) ORK_MUSTCHECK;
/* Tree to canonical text: sorted keys, no blanks, shortest floats that read back, always with a point ("1.0", never an
 * exponent). */
ORK_API int ork_json_text(const struct json_t *value, char **out, size_t *out_len, ork_err *err) ORK_MUSTCHECK;

/* Durations and instants as users write them. */
ORK_API int ork_duration_parse(const char *text, size_t len, int64_t *ms,
                               ork_err *err) ORK_MUSTCHECK; /* "500ms" "10m" "1h30m" "2d" "-1d" "90" (s) */
ORK_API void ork_duration_format(int64_t ms, char out[32]); /* "1h30m", "0.25s", "3m 2s"-like, for people */
ORK_API int ork_time_parse(const char *text, size_t len, int64_t *ms,
                           ork_err *err) ORK_MUSTCHECK; /* RFC 3339, "YYYY-MM-DD HH:MM:SS", date alone = 00:00Z */
ORK_API void ork_time_format(int64_t ms, char out[32]); /* 2026-11-01T02:00:00.000Z */

/* Where a file of Ork's own Python is, "run_task.py": in the folder `python` beside ork-agent. Owned. ORK_ENOTFOUND. */
ORK_API int ork_python_find(const char *name, char **out, ork_err *err) ORK_MUSTCHECK;

/* Nearest of `words` to `word` for "did you mean", or NULL. words: NULL-terminated. */
ORK_API const char *ork_suggest(const char *word, const char *const *words);

/* Types (docs/internals/json.md, "types"), for whoever reads definitions. Is it a type at all? */
ORK_API int ork_type_valid(const struct json_t *type, ork_err *err) ORK_MUSTCHECK;
/* Does the value fit? Converted without loss where it must be (10.0 for int), so *value may be replaced; paths begin
 * with root. */
ORK_API int ork_type_convert(const struct json_t *type, struct json_t **value, const char *root,
                             ork_err *err) ORK_MUSTCHECK;
/* Can a value of type `from` be used where `to` is wanted? err: the reason. */
ORK_API int ork_type_fits(const struct json_t *to, const struct json_t *from, ork_err *err) ORK_MUSTCHECK;

/* "{rows: int, parts: [str]}", for messages; cut when it is long. */
ORK_API void ork_type_show(const struct json_t *type, char out[100]);

ORK_API void ork_sha256_text(const void *p, size_t n, char out[65]); /* lower-case hex */

/* ---- definitions ---------------------------------------------------------------------------- */

/* A workflow definition: options and tasks. Built by the calls below, then sealed: from then on immutable and shared by
 * count. Task numbers are the order of definition (`task_index`). All texts are copied. JSON forms:
 * docs/internals/json.md */
typedef struct ork_workflow ork_workflow;

enum ork_executor {
    ORK_EXEC_PROCESS,
    ORK_EXEC_LUA,
    ORK_EXEC_INLINE,
    ORK_EXEC_WAIT,     /* neither a process nor a call: a deferred job (params hold "wait") */
    ORK_EXEC_PYTHON,   /* a process that calls a Python function (params hold "task_file" or "task_module") */
    ORK_EXEC_LIBRARY,  /* a worker that calls a function of a shared library (params hold "library_path") */
    ORK_EXEC_WORKFLOW, /* waits like one, for a run of the workflow that params.workflow names; see ork_workflow_sub */
    ORK_EXEC_OTHER
}; /* OTHER: taken-over rows; runs fail with a reason */

struct ork_retry_spec {
    uint32_t limit;       /* more attempts after the first failure; 0 none */
    int64_t delay_ms;     /* < 0: the default table 1 2 4 8 16 32 60 60… s */
    int64_t max_delay_ms; /* 0: no bound */
    double factor;        /* delay × factor^(n-1); >= 1 */
    bool jitter;          /* a random half to the whole of the delay */
    uint32_t kinds;       /* bits 1u << ORK_KIND_*; with codes below: any match retries. All empty: the default set */
    const int32_t *exit_codes;
    size_t exit_codes_len;
    const char *const *codes;
    size_t codes_len;
    bool ask; /* a function of the script decides (its `retries.on`); the default set where that gives no answer */
};

#define ORK_TASK_FINALLY 1u       /* depends on every task that is not itself `finally`; rule always */
#define ORK_TASK_KEEP_CHILDREN 2u /* background processes may outlive the attempt */
#define ORK_TASK_HAS_WHEN 4u      /* params hold "when" */
#define ORK_TASK_EACH 8u          /* params hold "each": done once per element of a list */
#define ORK_TASK_HANDLERS 16u     /* params hold "handlers": which of its on_success, on_failure, on_cancel there are */

struct ork_task_spec {
    const char *name;
    size_t name_len; /* 1–200 of letters digits _ . -, first a letter digit or _ */
    int executor;    /* enum ork_executor */
    const char *params;
    size_t params_len; /* canonical JSON object: command env cwd task_bindings when … */
    const char *signature;
    size_t signature_len; /* canonical JSON {"input_type":…,"output_type":…} or NULL */
    int rule;             /* enum ork_rule */
    struct ork_retry_spec retry;
    int64_t timeout_ms;       /* per attempt, 0 none */
    int64_t queue_timeout_ms; /* from ready to started, 0 none */
    const char *pool;         /* NULL none */
    uint32_t pool_slots;      /* slots it takes there, >= 1 */
    int32_t priority;         /* higher first */
    uint32_t max_lost;        /* 3 by default */
    uint32_t flags;           /* ORK_TASK_* */
    uint32_t file, line;      /* where the user wrote it; file: ork_workflow_file */
};

struct ork_workflow_opts { /* workflow-level options, as canonical JSON (docs/internals/json.md, "options") */
    const char *json;
    size_t json_len;
};

ORK_API int ork_workflow_new(const char *name, ork_workflow **out, ork_err *err) ORK_MUSTCHECK;
ORK_API ork_workflow *ork_workflow_ref(ork_workflow *w);
ORK_API void ork_workflow_unref(ork_workflow *w);                      /* NULL is fine */
ORK_API uint32_t ork_workflow_file(ork_workflow *w, const char *path); /* interns a source file name */
ORK_API int ork_workflow_options(ork_workflow *w, const char *json, size_t len, ork_err *err) ORK_MUSTCHECK;
/* EEXIST: the name is taken; err names the first place. */
ORK_API int ork_workflow_add(ork_workflow *w, const struct ork_task_spec *spec, uint32_t *no,
                             ork_err *err) ORK_MUSTCHECK;
ORK_API void ork_workflow_depend(ork_workflow *w, uint32_t task, uint32_t on); /* duplicates are folded at sealing */
ORK_API void ork_workflow_depend_name(ork_workflow *w, uint32_t task, const char *name,
                                      size_t len); /* looked up at sealing */

/* One mistake of a definition; texts are valid during the callback. task: UINT32_MAX if none. Codes of sealing:
 * no_tasks unknown_dependency self_dependency finally_dependency cycle trigger_rule pool_slots. */
typedef void (*ork_problem_cb)(void *data, const char *code, uint32_t task, const char *text);
/* Resolves names, adds the `finally` edges, orders, finds every mistake (unknown or self dependency with a suggestion,
 * every cycle named in full, no tasks). Returns the number of problems; 0: sealed. */
ORK_API size_t ork_workflow_seal(ork_workflow *w, ork_problem_cb on_problem, void *data);

/* Sources for the snapshot: JSON {"main":"pipeline.lua","files":{path:text},"modules":{name:sha256}}; dir: absolute
 * directory of the script. */
ORK_API int ork_workflow_source(ork_workflow *w, const char *json, size_t len, const char *dir,
                                ork_err *err) ORK_MUSTCHECK;

ORK_API const char *ork_workflow_name(const ork_workflow *w);
ORK_API uint32_t ork_workflow_task_count(const ork_workflow *w);
ORK_API const char *ork_workflow_task_name(const ork_workflow *w, uint32_t no); /* NULL beyond the end */
ORK_API void ork_workflow_task_place(const ork_workflow *w, uint32_t no, const char **file, uint32_t *line);
ORK_API int ork_workflow_find(const ork_workflow *w, const char *name, size_t len,
                              uint32_t *no);                          /* 0 or ORK_ENOTFOUND; exact or clean/17 later */
ORK_API const char *ork_workflow_options_json(const ork_workflow *w); /* borrowed */
ORK_API int ork_workflow_hash(ork_workflow *w, char out[65],
                              ork_err *err) ORK_MUSTCHECK; /* SHA-256 over tasks, options, sources; not over paths */
ORK_API int ork_workflow_tasks_json(const ork_workflow *w, char **out, size_t *len,
                                    ork_err *err) ORK_MUSTCHECK; /* snapshot form */
/* {"levels":[["a","b"],…],"critical_path":["a",…],"tasks":N,"edges":N,"depth":N,"width":N}; for `ork plan` */
ORK_API int ork_workflow_plan_json(const ork_workflow *w, char **out, size_t *len, ork_err *err) ORK_MUSTCHECK;

/* Mistakes in a schema of params ({name: P}), without a workflow: each through on_problem; returns how many. */
ORK_API size_t ork_workflow_params_valid(const struct json_t *params, ork_problem_cb on_problem, void *data);
/* Params: `given` is JSON {name: value}, `texts` JSON {name: "text as typed"} (either may be NULL), now_ms fixes
 * ork.date defaults. All mistakes at once through on_problem (task = UINT32_MAX); *out is the complete, typed object.
 */
ORK_API int ork_workflow_params(const ork_workflow *w, const char *given, const char *texts, int64_t logical_ms,
                                ork_problem_cb on_problem, void *data, char **out, ork_err *err) ORK_MUSTCHECK;

/* ---- the engine ----------------------------------------------------------------------------- */

/* An engine is a database, and when it owns runs a scheduler on it with its agent. Created by open on the calling
 * thread. */
typedef struct ork_engine ork_engine;
struct uv_loop_s;

#define ORK_OPEN_CREATE 1u  /* create the database and its folder when missing */
#define ORK_OPEN_READ 2u    /* only look: no migration, nothing written */
#define ORK_OPEN_AS_IS 8u   /* write, but do not migrate: one of another version is refused */
#define ORK_OPEN_MIGRATE 4u /* migrate even a foreign database that has no table of ours (ork db migrate) */

/* Where messages of all engines of this process go: a descriptor, 2 by default. For programs that own the terminal; one
 * that takes nothing more (a full pipe that does not block) is passed over for 2. From any thread. */
ORK_API void ork_log_to(int fd);
/* How each line begins, for all engines of this process: with its level; with the time before it; or as a service
 * manager takes it, "<6>" for information. */
enum ork_log_style { ORK_LOG_PLAIN, ORK_LOG_STAMPED, ORK_LOG_JOURNAL };
ORK_API void ork_log_style(int style);
ORK_API void ork_log_line(int level, const char *text); /* 0 error, 1 warning, 2 information */

struct ork_engine_opts {
    const char *url;        /* sqlite:PATH, sqlite::memory:, sqlite://PATH?mode=rwc, file:DIR */
    const char *data_dir;   /* NULL: beside the database */
    const char *agent_path; /* NULL: found beside this library or program */
    struct uv_loop_s *loop; /* NULL: the engine makes its own */
    uint32_t flags;         /* ORK_OPEN_* */
    uint32_t jobs;          /* process slots on this host; 0: 2 × cores */
    int log_level;          /* 0 errors 1 warnings 2 info 3 debug, to stderr */
};

/* What happened, for progress: called on the engine's thread after the change is durable. Texts are borrowed for the
 * call. */
struct ork_change {
    const char *run_id; /* hyphenated */
    const char *workflow;
    const char *task;    /* NULL: the run itself changed */
    uint32_t task_no;    /* of an item: of its task */
    uint32_t item;       /* which element of its list, from 1; 0: a task */
    int64_t items;       /* how many it has; -1: it is no task with items, or they are not known */
    int from, to;        /* enum ork_task_status or ork_run_status */
    uint32_t attempt;    /* fence number of the attempt, 0 none */
    int kind;            /* enum ork_kind */
    int64_t retry_at_ms; /* > 0: it will be tried again then */
    int64_t took_ms;     /* of the attempt; of one found running, until now; -1 unknown */
    bool adopted;        /* found running after a restart */
    const char *error;   /* NULL none */
    const char *within;  /* the task of another run that its run is run for, "load", "many/2"; NULL: none */
    const char *waits;   /* a task that runs and only waits: "waits for approval: Ship?"; NULL: it does something.
                          * With an error it waits as before: the last call of its function failed, the first to do so */
};
typedef void (*ork_change_cb)(void *data, const struct ork_change *change);

ORK_API int ork_engine_open(const struct ork_engine_opts *opts, ork_engine **out, ork_err *err) ORK_MUSTCHECK;
ORK_API void ork_engine_close(ork_engine *e); /* tasks under the agent go on; drives the loop until all is released */
ORK_API const char *ork_engine_data_dir(const ork_engine *e);
ORK_API const char *ork_engine_url(const ork_engine *e);
ORK_API void ork_engine_on_change(ork_engine *e, ork_change_cb cb, void *data);
/* cb when another process has stored a change of a run; many changes may come as one. Whoever owns runs says so at each
 * commit, but only while some program listens: pass NULL when no longer interested. Read afterwards
 * (ork_run_progress_json, ork_run_events_json), and once right after this call. On the loop's thread; in it only
 * ork_engine_interrupt. */
typedef void (*ork_news_cb)(void *data);
ORK_API void ork_engine_on_news(ork_engine *e, ork_news_cb cb, void *data);
/* One turn of the loop; wait: block until something happened. Returns 0 when nothing is left to happen. */
ORK_API int ork_engine_step(ork_engine *e, bool wait);
ORK_API bool ork_engine_busy(const ork_engine *e); /* is anything left to happen: runs of ours, changes to store */
/* Makes a waiting call of this engine return ORK_ECANCELLED ("interrupted"); from the loop's thread, e.g. a signal
 * handle. */
ORK_API void ork_engine_interrupt(ork_engine *e);
/* Stops this process (SIGSTOP), as Ctrl-Z means it, as soon as no commit is on its way: whoever is stopped inside one
 * stops every other program on that database. From the loop's thread. */
ORK_API void ork_engine_suspend(ork_engine *e);
/* For other loops: ork_engine_step(e, false) is due when the descriptor is readable or the time is over. */
ORK_API int ork_engine_fd(const ork_engine *e);   /* -1 none */
ORK_API int ork_engine_timeout_ms(ork_engine *e); /* -1: for ever; asked anew after every call that changes something */

struct ork_start_opts {
    const char *params;       /* complete params, from ork_workflow_params */
    const char *triggered_by; /* "manual" */
    const char *key;          /* idempotency key, NULL none */
    int32_t priority;
    int64_t logical_ms; /* 0: now */
    bool scheduled;     /* logical_ms is also scheduled_for */
    bool resume;        /* an unfinished, ownerless run of the same workflow, snapshot and params is taken instead */
    const char *part; /* NULL: all tasks. {"to":T}: T, what it needs, and `finally`; {"only":T,"input":{…}}: T alone,
                       * its inputs given or made of outputs of the newest run that has them. ENOTFOUND: no such task;
                       * ESTATE: no run has what it needs */
    const char *hold; /* reserved, NULL */
};
struct ork_started {
    char run_id[ORK_ID_TEXT];
    enum ork_start_how { ORK_STARTED_NEW, ORK_STARTED_RESUMED, ORK_STARTED_WATCHED, ORK_STARTED_FINISHED } how;
    /* NEW created; RESUMED ownerless and unfinished; WATCHED (key) owned by another live process; FINISHED (key) ended
     * before */
    bool alone; /* a run to go on with was wanted and no run on the database was unfinished: nobody's is left behind */
};
/* Returns after the commit. The engine registers as a scheduler on the first one. */
ORK_API int ork_run_start(ork_engine *e, ork_workflow *w, const struct ork_start_opts *o, struct ork_started *out,
                          ork_err *err) ORK_MUSTCHECK;
/* Takes an unfinished run without a live owner and goes on with it (ork resume RUN on an orphan, ork retry in the
 * foreground). ESTATE, EBUSY (owned; err names the owner). */
ORK_API int ork_run_claim(ork_engine *e, const char *run_id, ork_err *err) ORK_MUSTCHECK;
/* Could this program go on with it, or are tasks of it functions that another program has? ESTATE, which says what
 * does. */
ORK_API int ork_run_claimable(ork_engine *e, const char *run_id, ork_err *err) ORK_MUSTCHECK;
/* Drives the loop until the run ended (any owner) or timeout_ms (< 0 for ever) is over: 0 and *status, or
 * ORK_ETIMEDOUT; ORK_EFENCED: taken over. */
ORK_API int ork_run_wait(ork_engine *e, const char *run_id, int64_t timeout_ms, int *status,
                         ork_err *err) ORK_MUSTCHECK;
/* Has it ended? Never drives the loop: for who waits by other means. Until it has, the host's `wake` (below) tells when
 * to ask again. *status is its status when *ended. Errors as ork_run_wait. */
ORK_API int ork_run_ended(ork_engine *e, const char *run_id, bool *ended, int *status, ork_err *err) ORK_MUSTCHECK;
ORK_API bool ork_run_owned(const ork_engine *e, const char *run_id); /* by this engine, and not ended */

/* Wishes. Durable when they return; the owner carries them out. No live owner: cancel and pause are carried out here,
 * resume and retry only record the wish (then ork_run_claim). *outcome (may be NULL): "done", "sent", "too late",
 * "already …"; freed by ork_free. kind: "cancel" "kill" "pause" "resume" "retry". args JSON or NULL: retry
 * {"from":T,"task":T}, cancel {"why":TEXT}, the run's error instead of "cancelled". */
ORK_API int ork_run_command(ork_engine *e, const char *run_id, const char *kind, const char *args, char **outcome,
                            ork_err *err) ORK_MUSTCHECK;
/* New run like an old one. args JSON: {"params":{…},"from":T,"set":{"T.input":…}}. Uses the old run's snapshot. */
ORK_API int ork_run_rerun(ork_engine *e, const char *run_id, const char *args, struct ork_started *out,
                          ork_err *err) ORK_MUSTCHECK;

/* ---- functions of the host program ---------------------------------------------------------- */

/* Tasks with executor inline are functions of the program that holds the engine, which calls them itself and says how
 * each call ended. An attempt that succeeds at once is one row change; one whose program dies leaves no trace and is
 * made again. They take no slots of `jobs`: at most 256 of an engine are under way at once, pools and max_parallel hold
 * for them. Everything on the engine's thread. */

struct ork_inline_call { /* borrowed until ork_inline_done, but input: until the next ork_inline_ call */
    uint64_t token;      /* names this attempt, never used again */
    const char *run_id, *workflow, *task;
    const char *definition; /* hash of the workflow (ork_workflow_hash): which functions are meant */
    const char *option;     /* static: where its function stands: "run"; "when", "wait.poll", "retries.on" … */
    uint32_t task_no, attempt;
    uint32_t item;     /* which element of its list, from 1; 0: the task has no items */
    const char *input; /* JSON, checked against input_type */
    size_t input_len;
    int64_t scheduled_for_ms; /* 0 none */
    int64_t timeout_ms;       /* of the attempt, 0 none */
    int64_t grace_ms;         /* between being told to end and being given up, > 0 */
};
struct ork_inline_result {
    const char *output; /* JSON; NULL none. Checked against output_type */
    size_t output_len;
    const char *error;      /* NULL: it succeeded */
    int kind;               /* of a failure: enum ork_kind; 0: ORK_KIND_ERROR */
    const char *code;       /* for `retries.on.codes`; NULL none */
    bool final;             /* of a failure: no retry, whatever the task's policy */
    int64_t retry_after_ms; /* > 0: instead of the policy's delay */
    const char *data;       /* of a failure: JSON for the task's `retries.on`, at most 64 KiB; NULL none */
    size_t data_len;
};
struct ork_inline_host {
    void *data;
    /* Has this program the functions of that definition? Asked before a run of another, dead program is taken up. */
    bool (*knows)(void *data, const char *definition);
    /* Definition `changed` is about to run here: `definition` with other constants, the same functions. NULL fine. */
    void (*same)(void *data, const char *definition, const char *changed);
    /* The call is to end early; kind ORK_KIND_TIMEOUT or ORK_KIND_CANCELLED. It is still ended by ork_inline_done, by
     * then at the latest when this comes again with now = true (after the task's grace, or at once when the run is
     * killed or the engine closed): after that the engine has forgotten the call. May come from inside ork_inline_done
     * of another call, and from callbacks of the loop. */
    void (*interrupt)(void *data, uint64_t token, int kind, bool now);
    /* Between two turns of the loop while ork_run_wait or ork_engine_step drives it, outside of its callbacks: the
     * place to take and make calls. A short slice: nothing else happens meanwhile. true: something was done, or is left
     * to do, so the loop is not to sleep. NULL is fine: then `wake` tells of calls too. */
    bool (*turn)(void *data);
    /* Something to look at: calls to take, a run of this engine left it (ended: its id), or others changed something.
     * From callbacks of the loop: only note it. NULL fine. */
    void (*wake)(void *data, const char *ended);
};
/* Before the first run is started. NULL: no functions are called here (runs that need them are refused). */
ORK_API void ork_engine_on_inline(ork_engine *e, const struct ork_inline_host *host);
/* The next call that may begin, which counts as begun now: its timeout runs. false: none. */
ORK_API bool ork_inline_next(ork_engine *e, struct ork_inline_call *out);
/* The call has ended. ENOTFOUND: the engine does not wait for it (any more); nothing is changed. */
ORK_API int ork_inline_done(ork_engine *e, uint64_t token, const struct ork_inline_result *r,
                            ork_err *err) ORK_MUSTCHECK;
/* Optional news of a call under way. An unknown token is ignored. */
ORK_API void ork_inline_running(ork_engine *e, uint64_t token); /* it does not end at once: watchers see `running` */
ORK_API void ork_inline_progress(ork_engine *e, uint64_t token, double done, double total); /* shown by `why` */
/* While it waits for another run of this engine it takes none of the 256 places, so that those never wait for it. */
ORK_API void ork_inline_lend(ork_engine *e, uint64_t token, bool lend);
/* Appends to the attempt's log, which is made with the first byte (mode 0600). */
ORK_API int ork_inline_log(ork_engine *e, uint64_t token, const char *text, size_t len, ork_err *err) ORK_MUSTCHECK;
/* The value of a secret, for the function of a call: cb once, perhaps at once; value NULL: err says why. What the call
 * leaves is searched for it. ENOTFOUND: the call is over, cb does not come. */
typedef void (*ork_inline_secret_cb)(void *data, const char *value, size_t len, const ork_err *err);
ORK_API int ork_inline_secret(ork_engine *e, uint64_t token, const char *name, ork_inline_secret_cb cb, void *data,
                              ork_err *err) ORK_MUSTCHECK;
/* Keeps a file of the function of a call, under a name; the row that tells of it is stored with the call's result. */
ORK_API int ork_inline_artifact(ork_engine *e, uint64_t token, const char *path, const char *name, char hash[65],
                                int64_t *bytes, ork_err *err) ORK_MUSTCHECK;
/* The text with *** for each secret that the call was given, for who is to cut it. NULL: there is none in it. */
ORK_API char *ork_inline_masked(ork_engine *e, uint64_t token, const char *text, size_t len, size_t *masked_len);

struct ork_update_opts {
    const char *params; /* complete params, from ork_workflow_params; NULL: the run's own */
    const char *from;   /* this task and all after it run again, also where they succeeded; NULL: none */
    bool keep;          /* what succeeded stays also where its definition changed */
};
/* Moves a run that ended, or that no live program owns, to the definition w of its workflow and goes on with it, as
 * ork_run_claim does: what did not succeed, is new, or changed (what it does, its inputs, types, dependencies, a param
 * it refers to) runs, with all that comes after it; other successes stay with their outputs. Of an unfinished run what
 * is under way may finish first. Durable when it returns; a crash later is gone on from. *report (may be NULL) is freed
 * by ork_free: {"runs":N,"kept":N,"changed":[names],"changed_count":N, and so new, gone, stale} (stale: kept though
 * changed; of names the first 20). EBUSY: a live program owns it (err says which); ESTATE: nothing would run;
 * ENOTFOUND; ECANCELLED: interrupted before anything changed. */
ORK_API int ork_run_update(ork_engine *e, const char *run_id, ork_workflow *w, const struct ork_update_opts *o,
                           char **report, ork_err *err) ORK_MUSTCHECK;

/* ---- reading -------------------------------------------------------------------------------- */

/* Each returns one JSON document (docs/internals/json.md, "documents"), fields as in the HTTP API. */
/* RUN as users name it: beginning or end of the id (>= 4), a workflow's name, NAME~1, "last". ENOTFOUND; EAMBIGUOUS
 * lists candidates in err. */
ORK_API int ork_run_find(ork_engine *e, const char *name, char run_id[ORK_ID_TEXT], ork_err *err) ORK_MUSTCHECK;
/* filter JSON: {"workflow":…,"status":…|[…],"since_ms":…,"limit":N,"before":run_id,"key":…, or "scheduled_for_ms":…:
 * with workflow and without the others, the one run that has it; "brief":true: only id, workflow, status, created_at}
 */
ORK_API int ork_runs_json(ork_engine *e, const char *filter, char **out, ork_err *err) ORK_MUSTCHECK;
ORK_API int ork_run_json(ork_engine *e, const char *run_id, char **out, ork_err *err) ORK_MUSTCHECK;
/* How far a run is: as ork_runs_json has it, and "seq", the number of the newest event. One query of its tasks' states.
 */
ORK_API int ork_run_progress_json(ork_engine *e, const char *run_id, char **out, ork_err *err) ORK_MUSTCHECK;
/* Outputs of tasks behind task number `after` (-1: from the first), at most `limit` (> 0), about 8 MiB:
 * [{"index","name","output"}], output: JSON as a text; tasks without one are not among them. */
ORK_API int ork_outputs_json(ork_engine *e, const char *run_id, int64_t after, int64_t limit, char **out,
                             ork_err *err) ORK_MUSTCHECK;
/* The history of a run behind number `after_seq` (0: from the start), at most `limit` (> 0) rows:
 * [{"seq","at","data"}], data: a list of events. */
ORK_API int ork_run_events_json(ork_engine *e, const char *run_id, int64_t after_seq, int64_t limit, char **out,
                                ork_err *err) ORK_MUSTCHECK;
/* filter JSON: {"status":…|[…],"limit":N,"after":task_index} or NULL */
ORK_API int ork_tasks_json(ork_engine *e, const char *run_id, const char *filter, char **out,
                           ork_err *err) ORK_MUSTCHECK;
ORK_API int ork_task_json(ork_engine *e, const char *run_id, const char *task, char **out,
                          ork_err *err) ORK_MUSTCHECK; /* with output, attempts[] */
/* What exactly does it wait for. task NULL: the run; run NULL: everything that waits. */
ORK_API int ork_why_json(ork_engine *e, const char *run_id, const char *task, char **out, ork_err *err) ORK_MUSTCHECK;
/* The log of an attempt (0: the newest) from `offset` (< 0: from the end), at most `len` bytes, raw. *size: bytes in
 * the file. ENOTFOUND: no such attempt, or its file is gone: then the stored tail is given and *stored_tail is true. */
ORK_API int ork_log_read(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, int64_t offset,
                         size_t len, char **out, size_t *out_len, int64_t *size, bool *stored_tail,
                         ork_err *err) ORK_MUSTCHECK;
/* Which runs of its tasks, at any depth, ended and have handlers that were not called to their end: a list of ids. */
ORK_API int ork_run_owed_json(ork_engine *e, const char *run_id, char **out, ork_err *err) ORK_MUSTCHECK;
/* What the tasks of a run left to be kept, as a list of objects: task, name, attempt, bytes, sha256, created_at, path
 * (null: not on this machine). */
ORK_API int ork_artifacts_json(ork_engine *e, const char *run_id, char **out, ork_err *err) ORK_MUSTCHECK;
/* Where the content of one is. task NULL: whichever has it. ENOTFOUND; EAMBIGUOUS: several tasks have one of that name.
 */
ORK_API int ork_artifact_path(ork_engine *e, const char *run_id, const char *task, const char *name, char **path,
                              ork_err *err) ORK_MUSTCHECK;
ORK_API int ork_log_path(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, char **out,
                         ork_err *err) ORK_MUSTCHECK;

/* ---- definitions that stay in the database ---------------------------------------------------- */

/* A workflow is applied when a definition of it is current: then it can be started by its name alone. Every definition
 * that was current has a number (version 1, 2, 3 …). Documents: docs/internals/json.md, "catalog". */

/* Makes these definitions (sealed, each name once) current and takes the workflows named in `remove` (JSON list of
 * {"workflow","version"}: only while that version is current; NULL none) out of the catalog, in one commit or not at
 * all. Content that is current already, or was, keeps its number. *out: [{"workflow","was","version","removed"}], 0 and
 * null: none. EDEF: a task is a function of this program, which no database can keep. */
ORK_API int ork_workflow_apply(ork_engine *e, ork_workflow *const *w, size_t n, const char *remove, char **out,
                               ork_err *err) ORK_MUSTCHECK;
/* Makes a version that exists current again. *was (may be NULL): the number that was, 0 none. ENOTFOUND lists what
 * there is. */
ORK_API int ork_workflow_activate(ork_engine *e, const char *name, uint32_t version, uint32_t *was,
                                  ork_err *err) ORK_MUSTCHECK;
/* filter JSON or NULL: {"name":…,"applied":true,"after":name,"limit":N}; by name. */
ORK_API int ork_workflows_json(ork_engine *e, const char *filter, char **out, ork_err *err) ORK_MUSTCHECK;
/* The versions of a workflow, newest number first; [] when it was never applied. ENOTFOUND: no such workflow. */
ORK_API int ork_workflow_versions_json(ork_engine *e, const char *name, char **out, ork_err *err) ORK_MUSTCHECK;
/* A definition from the database, sealed, with its sources; version 0: the current one. The caller unrefs *out.
 * ENOTFOUND: no such workflow or version, or it is not applied; err names what there is. */
ORK_API int ork_workflow_open(ork_engine *e, const char *name, uint32_t version, ork_workflow **out,
                              ork_err *err) ORK_MUSTCHECK;
/* What became of `from` in `to`, both sealed: tasks by name, options, sources line by line. */
ORK_API int ork_workflow_diff_json(const ork_workflow *from, const ork_workflow *to, char **out,
                                   ork_err *err) ORK_MUSTCHECK;

/* Removes a workflow: its definitions, runs and their logs. ESTATE: runs of it are unfinished (err names them), or one
 * was started meanwhile. *out: as of ork_runs_prune. */
ORK_API int ork_workflow_delete(ork_engine *e, const char *name, char **out, ork_err *err) ORK_MUSTCHECK;
/* Removes finished runs and their logs, a part at a time, never one that somebody owns. options JSON:
 * {"older_than_ms":D,"keep":N,"log_bytes":B,"workflow":…,"dry_run":bool,"count":bool,"leftovers":bool}: those that
 * ended more than D ago, but the newest N finished ones of each workflow (or those whose logs take at most B); one of
 * them is needed. What an interrupted removal left goes too, unless leftovers is false; only that when it is true and
 * nothing says which runs. dry_run: nothing is removed; count: nor are logs measured. *out:
 * {"runs","tasks","log_bytes","definitions","kept","workflows":[{"workflow","runs","tasks"}]}. */
ORK_API int ork_runs_prune(ork_engine *e, const char *options, char **out, ork_err *err) ORK_MUSTCHECK;

/* Pools: [{"name","slots","used","waiting"}], and the size of one (from 1; made when it is new). */
ORK_API int ork_pools_json(ork_engine *e, char **out, ork_err *err) ORK_MUSTCHECK;
ORK_API int ork_pool_set(ork_engine *e, const char *name, uint32_t slots, ork_err *err) ORK_MUSTCHECK;

/* How things stand: who works on the database, unfinished runs and their tasks, what comes next, and what ended since
 * `since_ms` (runs created up to 30 days before that are looked at), with the newest 20 of those that failed. */
ORK_API int ork_status_json(ork_engine *e, int64_t since_ms, char **out, ork_err *err) ORK_MUSTCHECK;

#ifdef __cplusplus
}
#endif
#include "copy.h"
#include "doctor.h"
#include "schedule.h"
#endif
