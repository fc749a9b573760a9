/* SPDX-License-Identifier: MIT */
/* Option tables: which keys there are and how each is read, as data. Every mistake is added to the workflow's problems
 * and reading goes on, so one load shows all. A way to a key is a text with a newline between its parts:
 * "retries\nlimit"; an element of a list is "#2". */
#ifndef ORK_BINDINGS_OPTIONS_H
#define ORK_BINDINGS_OPTIONS_H
#include "def.h"

struct ork_lua_ref;

/* Reading the option table of one call. */
struct ork_lua_reader {
    lua_State *L;
    struct ork_lua_ctx *ctx;
    struct ork_lua_def *def;
    struct ork_lua_place place;
    const char *call, *name; /* "task", "extract" */
    int options;             /* stack index of the table; 0 none */
    bool failed;             /* a mistake was added */
    /* of the expression being read */
    const char *path;
    uint32_t allowed;          /* ORK_LUA_HAS bits */
    const struct json_t *type; /* of the last reference written; NULL unknown */
    bool items;                /* that is a list with such a value per item of a task */
    bool whole;                /* none of which is null */
    bool all_success;          /* the task that is read runs only when all it waits for has succeeded */
};

enum ork_lua_option_kind { ORK_LUA_OWN, ORK_LUA_DURATION, ORK_LUA_COUNT, ORK_LUA_INT, ORK_LUA_BOOL, ORK_LUA_LATER };

typedef void (*ork_lua_option_fn)(struct ork_lua_reader *r, int idx, const char *path, void *out);

struct ork_lua_option {
    const char *name;
    enum ork_lua_option_kind kind;
    size_t at;              /* offset of the int64_t ms, uint32_t, int32_t or bool in the struct that is read into */
    ork_lua_option_fn read; /* ORK_LUA_OWN: gets the struct */
    bool work;              /* ORK_LUA_LATER: it would be what the task does */
    const char *later;      /* ORK_LUA_LATER: what it is, "a Lua function" */
    uint32_t least;         /* ORK_LUA_COUNT */
    bool off;               /* false switches it off: ms or count 0 */
    bool by_default;        /* may stand in `defaults` */
};
#define ORK_LUA_DEFAULTS 1u /* only options with by_default */

/* Reads the table at idx in the order of the rows, which are sorted by name, at most 64. path: "" at the top.
 * Returns a bit per row that was there. [-0, +0, m] */
uint64_t ork_lua_options(struct ork_lua_reader *r, int idx, const char *path, const struct ork_lua_option *rows,
                         size_t n, void *out, unsigned flags);

/* It has a function beside those of tasks: of a program that defines it itself, that program calls it. */
void ork_lua_has_function(struct ork_lua_reader *r);
/* Refuses references among the variables of the function at idx. (capture.c) */
void ork_lua_check_captures(struct ork_lua_reader *r, int idx, const char *path);
/* The workflow at `workflow` keeps the function at `way` ("wait.poll") of the table at idx, if there is one, under the
 * number of its task, from 1, 0 for the workflow itself. [-0, +0, m] (task.c) */
void ork_lua_keep_function(lua_State *L, int workflow, int idx, lua_Integer number, const char *way);

/* Adds a mistake: "task `extract`: `retries.limit` <text>". hint may be NULL. */
void ork_lua_bad(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...) ORK_PRINTF(4, 5);
/* The same; the place is inside the text `value`: `len` bytes from `at` on. */
void ork_lua_bad_inside(struct ork_lua_reader *r, const char *path, const char *hint, const char *value, size_t at,
                        size_t len, const char *fmt, ...) ORK_PRINTF(7, 8);
/* As ork_lua_bad, but only a warning. */
void ork_lua_warn(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...) ORK_PRINTF(4, 5);
/* The same without the key in the text: "task `extract`: <text>"; path may be NULL. */
void ork_lua_bad_at(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...)
    ORK_PRINTF(4, 5);
/* A way one step longer, in out. */
const char *ork_lua_path(char out[300], const char *path, const char *key);
const char *ork_lua_path_index(char out[300], const char *path, lua_Integer i);
/* A way as messages show it: "retries\nlimit" is retries.limit, "command\n#2" command[2]. */
void ork_lua_path_show(const char *path, char *out, size_t cap);
/* Options that are elsewhere, or are called otherwise: the hint for a key of a table ("workflow", "task", "retries",
 * …), or NULL. */
const char *ork_lua_option_word(const char *table, const char *key);
/* What stands at idx, for messages: `true`, `"abc"`, `a table`. In a ring of buffers. */
const char *ork_lua_shown(lua_State *L, int idx);

/* A number as an argument: shortest that reads back, 12.0 as 12; false for NaN and infinities. */
bool ork_lua_number_text(lua_State *L, int idx, char out[40]);

/* Single values; they add a mistake and return false when it is not one. */
bool ork_lua_read_duration(struct ork_lua_reader *r, int idx, const char *path, int64_t *ms);
bool ork_lua_read_count(struct ork_lua_reader *r, int idx, const char *path, uint32_t least, uint32_t *out);
bool ork_lua_read_int(struct ork_lua_reader *r, int idx, const char *path, int32_t *out);
bool ork_lua_read_bool(struct ork_lua_reader *r, int idx, const char *path, bool *out);
/* A text without NUL, in UTF-8, not made of a reference; NULL: it is none. Borrowed from the value. */
const char *ork_lua_read_text(struct ork_lua_reader *r, int idx, const char *path, size_t *n);
/* One of the words (NULL-terminated): its index or -1. */
int ork_lua_read_word(struct ork_lua_reader *r, int idx, const char *path, const char *const *words);
/* Is it a table that is a list without holes? *n elements. Adds a mistake otherwise: `what` it wants. */
bool ork_lua_read_list(struct ork_lua_reader *r, int idx, const char *path, const char *what, lua_Integer *n);

/* An expression, appended to ctx->values; references add their tasks to ctx->deps. allowed: ORK_LUA_HAS bits. (value.c)
 */
bool ork_lua_read_expr(struct ork_lua_reader *r, int idx, const char *path, uint32_t allowed, struct ork_lua_span *out);
/* A reference that stands alone, as read_expr but without {"const":…} for the rest: false when the value is none. */
bool ork_lua_read_ref(struct ork_lua_reader *r, const struct ork_lua_ref *ref, const char *path, uint32_t allowed);
/* A constant as JSON; NULL and a mistake when it is none. The caller json_decref's. */
struct json_t *ork_lua_read_constant(struct ork_lua_reader *r, int idx, const char *path);
/* A type; NULL and a mistake when it is none. The caller json_decref's. (types.c) */
struct json_t *ork_lua_read_type(struct ork_lua_reader *r, int idx, const char *path);
#endif
