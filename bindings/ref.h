/* SPDX-License-Identifier: MIT */
/* References and the texts made of them: values that are known only in the run. A userdata that holds its own parts, so
 * Lua's collector owns it whole; its user value keeps the workflow it belongs to. */
#ifndef ORK_BINDINGS_REF_H
#define ORK_BINDINGS_REF_H
#include "context.h"

struct ork_lua_def;
struct json_t;

enum ork_lua_ref_kind {
    ORK_LUA_REF_PARAMS, /* w.params: a name must follow */
    ORK_LUA_REF_PARAM,
    ORK_LUA_REF_TASK,   /* task.output[.f…], .status, .error, .results */
    ORK_LUA_REF_INPUTS, /* ork.input: a name must follow */
    ORK_LUA_REF_INPUT,
    ORK_LUA_REF_THESE, /* ork.this: a name must follow */
    ORK_LUA_REF_THIS,
    ORK_LUA_REF_DATE,
    ORK_LUA_REF_SECRET,
    ORK_LUA_REF_TEXT
};

#define ORK_LUA_REF_MARK "<ork reference " /* begins the text of a reference; no option takes a text that holds it */
#define ORK_LUA_HAS(kind) (1u << (kind))

struct ork_lua_ref {
    struct ork_lua_def *def;   /* borrowed, kept by the user value; NULL: of any workflow */
    const struct json_t *type; /* borrowed from the workflow or the context; NULL: not declared */
    uint32_t kind;             /* enum ork_lua_ref_kind */
    uint32_t has;              /* ORK_LUA_HAS of each kind in it */
    bool items;                /* a list with a value of that type per item of a task */
    bool whole;                /* that list has no null once its task has succeeded: none of its items may fail */
    uint32_t deps_len;         /* tasks it waits for, behind the struct */
    uint32_t len; /* bytes behind those: parts with a NUL between them, or JSON for dates, secrets, texts */
    uint32_t deps[];
};

const char *ork_lua_ref_text(const struct ork_lua_ref *r); /* the bytes behind */
/* Its expression as JSON; true when the text may not be canonical. */
bool ork_lua_ref_write(const struct ork_lua_ref *r, struct ork_lua_buf *out);
/* As a user would write it: "extract.output.rows", "params.day", "a text". */
void ork_lua_ref_name(const struct ork_lua_ref *r, struct ork_lua_buf *out);
const char *ork_lua_ref_shown(lua_State *L, const struct ork_lua_ref *r); /* the same, in the context's scratch */
bool ork_lua_is_identifier(const char *s);
/* Is the text of a reference (tostring, string.format) in these bytes? */
bool ork_lua_ref_in_text(const char *s, size_t n);
/* Pushes a new one; owner: stack index of the workflow's userdata or 0. [-0, +1, m] */
struct ork_lua_ref *ork_lua_ref_new(lua_State *L, const struct ork_lua_ref *like, const uint32_t *deps,
                                    const char *text, size_t len, int owner);
/* Pushes a reference to a task's value ("output" …). [-0, +1, m] */
void ork_lua_ref_task(lua_State *L, struct ork_lua_def *def, uint32_t task, const char *what, const struct json_t *type,
                      bool items, int owner);
/* Pushes w.params. [-0, +1, m] */
void ork_lua_ref_params(lua_State *L, struct ork_lua_def *def, int owner);
/* What its values can be used for: a type with a field `name`? Sets *type (NULL unknown). false: it has no such field.
 */
bool ork_lua_type_field(const struct json_t *type, const char *name, const struct json_t **field);
bool ork_lua_type_is_optional(const struct json_t *type); /* "T?" or ["?", T]; NULL is not */
/* Nearest key of a JSON object to word, or NULL. */
const char *ork_lua_suggest_key(const struct json_t *object, const char *word);
/* Name of the workflow a reference belongs to. */
const char *ork_lua_ref_workflow(const struct ork_lua_def *def);
/* Pushes field `key` of task `no`, the handle at index 1; raises when there is none. [-0, +n, e] */
int ork_lua_task_field(lua_State *L, struct ork_lua_def *def, uint32_t no, const char *key);
/* What to write in a function where the reference was meant: "name it in `inputs`, and read `input.day`". */
void ork_lua_ref_cure(const struct ork_lua_ref *r, char *out, size_t size);
/* Raises while functions are called: nothing has a value there. (ref_misuse.c) [-0, +0, e] */
void ork_lua_ref_in_call(lua_State *L, const struct ork_lua_ref *r);
int ork_lua_ref_index(lua_State *L);      /* __index (ref_field.c) */
void ork_lua_ref_metatable(lua_State *L); /* registers it (ref_misuse.c) */
/* Concatenation and ork.format make texts. (text.c) */
int ork_lua_ref_concat(lua_State *L);
int ork_lua_format(lua_State *L);
#endif
