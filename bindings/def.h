/* SPDX-License-Identifier: MIT */
/* A workflow while it is defined: the core's workflow and what only the definition needs: types of outputs, defaults,
 * mistakes. Lives in the workflow's userdata; tasks and references point to it and keep that userdata by a user value.
 */
#ifndef ORK_BINDINGS_DEF_H
#define ORK_BINDINGS_DEF_H
#include "context.h"

/* One mistake in an option table. */
struct ork_lua_problem {
    const char *code;  /* static */
    char *file, *text; /* owned */
    char *hint;        /* owned; NULL none */
    char *call, *name; /* owned: "task", "extract": the call that the search for the key begins at; NULL none */
    char *path;        /* owned: way to the key, "retries\nlimit", list elements as "#2"; NULL: the call itself */
    char *value;       /* owned: a text of the script with a mistake inside, at value_at; NULL none */
    uint32_t value_at, value_len;
    uint32_t line; /* of the call */
    bool warning;
};

/* A piece of JSON among the values of the context; len 0: not given. */
struct ork_lua_span {
    size_t at, len;
};

enum { ORK_LUA_ON_CANCEL = 1, ORK_LUA_ON_FAILURE = 2, ORK_LUA_ON_SUCCESS = 4 };

/* What the options of a task say; a task begins as a copy of the workflow's defaults. */
struct ork_lua_task {
    struct ork_task_spec spec;
    int64_t grace_ms;            /* -1: not given */
    int64_t deferred_timeout_ms; /* 0: none */
    struct ork_lua_span command, cwd, env, inputs, each, wait, when;
    struct ork_lua_span library; /* path of a shared library */
    bool has_library;
    struct ork_lua_span task_file, task_module, task_function; /* of `python` */
    const char *python;                                        /* borrowed: the option itself; NULL none */
    const char *input_type_of; /* borrowed: the Python function that input_type was read from; NULL: it was declared */
    bool has_python, python_typed;
    struct json_t *hints; /* owned: as Python has them, {"inputs", "output"} */
    enum { ORK_LUA_WAIT_TIME, ORK_LUA_WAIT_APPROVAL, ORK_LUA_WAIT_POLL } wait_for;
    int64_t wait_ms;                       /* a span to wait for, or between calls of a poll; -1: not given */
    const char *default_cwd, *default_env; /* borrowed JSON of the defaults; NULL none */
    int64_t memory, cpu_ms;                /* most of each process, or of the call; 0 none */
    bool isolated;                         /* alone in its worker */
    uint32_t task_count;                   /* so many alike, each with its number; 0: one */
    bool whole_inputs;                     /* inputs is one reference */
    bool finally, has_work, has_rule;
    bool has_wait, has_poll, has_when; /* has_when: it is a function */
    struct ork_lua_def *sub;           /* borrowed: the workflow it is a run of; NULL */
    unsigned handlers;                 /* ORK_LUA_ON_* */
    const char *executor; /* its name: an ork.executor carries the task out; NULL none. The option table keeps it */
    bool executor_cancels;
    bool has_run, has_executor;              /* a function; where it is to be called was said */
    struct json_t *input_type, *output_type; /* owned until the task is added */
    struct json_t *each_type;                /* owned: of an element of its ork.each; NULL unknown */
    bool each_spares;                        /* some of its items may fail */
};

struct ork_lua_output {
    uint32_t task;
    struct json_t *type; /* owned */
};

/* A task that is a run of another workflow. */
struct ork_lua_sub {
    struct ork_lua_def *other; /* borrowed: the workflow's user value keeps it */
    uint32_t task;
};

struct ork_lua_def {
    ork_workflow *w;                /* owned; NULL before it is made */
    struct json_t *options;         /* owned */
    struct ork_lua_output *outputs; /* owned, by task number: tasks that declare an output type */
    size_t outputs_len, outputs_cap;
    struct ork_lua_numbers conditional; /* tasks with `when`, by number */
    struct ork_lua_numbers mapped;      /* tasks with ork.each, by number */
    struct ork_lua_numbers sparing;     /* those of them of whose items some may fail */
    struct json_t *types;               /* owned list: types made for references; NULL none */
    struct json_t *pools; /* owned: name → {slots: most that a task takes, task: the first that uses it} */
    struct ork_lua_problem *problems; /* owned */
    size_t problems_len, problems_cap;
    uint32_t problems_more; /* beyond the bound */
    uint32_t mistakes;      /* problems that are no warnings */
    struct ork_lua_task defaults;
    struct ork_lua_buf default_cwd, default_env;
    int32_t default_exit_codes[64];
    char *default_codes[64]; /* owned */
    char *default_pool;      /* owned */
    char *made_in;           /* owned: where ork.workflow was called */
    uint32_t line;
    char *file; /* owned: the last file name interned, and its number */
    uint32_t file_no;
    struct ork_lua_sub *subs; /* owned */
    size_t subs_len, subs_cap;
    struct json_t *returns; /* owned: {name: type} of what a run gives; NULL: not said */
    unsigned depth;         /* of workflows within each other, itself counted; once sealed */
    bool inner;             /* a task of another workflow is a run of it */
    bool has_inline;        /* functions that only this program can call */
    bool announced;         /* the loader was told of it */
    bool sealing;           /* what it runs is being sealed */
    bool sealed, judged;    /* judged: sealing was tried */
    bool scripted;          /* defined by a script that is loaded, not by the program that runs */
};

struct ork_lua_def *ork_lua_def_check(lua_State *L, int idx, const char *method);    /* raises when it is no workflow */
const struct json_t *ork_lua_def_params(const struct ork_lua_def *d);                /* {name: P} or NULL */
const struct json_t *ork_lua_def_output(const struct ork_lua_def *d, uint32_t task); /* NULL: not declared */
/* The type of an element of the `results` of a task with items; borrowed from the workflow. */
const struct json_t *ork_lua_def_results(struct ork_lua_def *d, uint32_t task);
bool ork_lua_def_is_mapped(const struct ork_lua_def *d, uint32_t task); /* once per element of a list */
bool ork_lua_def_spares(const struct ork_lua_def *d, uint32_t task);    /* of which some may fail (max_failed) */
uint32_t ork_lua_def_file(struct ork_lua_def *d, const char *file);
void ork_lua_def_fini(struct ork_lua_def *d);
void ork_lua_def_add_output(struct ork_lua_def *d, uint32_t task, struct json_t *type_take); /* tasks in order */
void ork_lua_def_use_pool(struct ork_lua_def *d, const char *pool, uint32_t slots, uint32_t task);

/* ---- problems (problems.c) ---- */

struct ork_lua_reader;
/* Adds a mistake. call, name, path and hint may be NULL; hint is "did you mean …" or what to do. */
struct ork_lua_problem *ork_lua_problem_add(struct ork_lua_def *d, const char *code, const char *file, uint32_t line,
                                            const char *text);
void ork_lua_problem_place(struct ork_lua_problem *p, const char *call, const char *name, const char *path,
                           const char *hint);
/* Its place is inside a text of the script: `len` bytes from `at` on. */
void ork_lua_problem_inside(struct ork_lua_problem *p, const char *value, size_t at, size_t len);
void ork_lua_problem_warn(struct ork_lua_def *d, struct ork_lua_problem *p); /* it is no mistake, only a warning */
void ork_lua_problems_push(lua_State *L, const struct ork_lua_def *d);       /* a list of tables [-0, +1, m] */
/* Seals once; all that is found is among the problems afterwards. */
void ork_lua_def_seal(lua_State *L, struct ork_lua_def *d);
#endif
