/* SPDX-License-Identifier: MIT */
/* References: what they stand for, their fields, and every use that cannot be meant while the script loads.
 *
 * A reference knows the type that was declared for it, so a field that is not there raises on its own line. `==` with
 * something else, `not`, `and` and `if` never reach C; option tables refuse what they leave behind (when = false). */
#include "ref.h"
#include "def.h"
#include <jansson.h>
#include <string.h>

#define MARK "<ork reference " /* begins the text of a reference; no option takes a text that holds it */

static const char *const this_words[] = {"run_id",       "task",          "task_index", "attempt",
                                         "logical_time", "scheduled_for", "workflow",   NULL};
static const char *const task_words[] = {"name", "output", "status", "error", "results", NULL};

const char *ork_lua_ref_text(const struct ork_lua_ref *r)
{
    return (const char *)(r->deps + r->deps_len);
}

struct ork_lua_ref *ork_lua_ref_new(lua_State *L, const struct ork_lua_ref *like, const uint32_t *deps,
                                    const char *text, size_t len, int owner)
{
    size_t deps_size = like->deps_len * sizeof *deps;
    owner = owner ? lua_absindex(L, owner) : 0;
    struct ork_lua_ref *r = lua_newuserdatauv(L, sizeof *r + deps_size + len + 1, owner ? 1 : 0);
    *r = *like;
    r->len = (uint32_t)len;
    if (deps_size > 0)
        memcpy(r->deps, deps, deps_size);
    char *to = (char *)(r->deps + r->deps_len);
    memcpy(to, text, len);
    to[len] = '\0';
    if (owner) {
        lua_pushvalue(L, owner);
        lua_setiuservalue(L, -2, 1);
    }
    luaL_setmetatable(L, ORK_LUA_REF);
    return r;
}

void ork_lua_ref_task(lua_State *L, struct ork_lua_def *def, uint32_t task, const char *what, const json_t *type,
                      int owner)
{
    char parts[320];
    const char *name = ork_workflow_task_name(def->w, task);
    size_t n = strlen(name), w = strlen(what);
    struct ork_lua_ref like = {
        .def = def, .type = type, .kind = ORK_LUA_REF_TASK, .has = ORK_LUA_HAS(ORK_LUA_REF_TASK), .deps_len = 1};
    memcpy(parts, "tasks", 6);
    memcpy(parts + 6, name, n + 1);
    memcpy(parts + 7 + n, what, w);
    ork_lua_ref_new(L, &like, &task, parts, 7 + n + w, owner);
}

void ork_lua_ref_params(lua_State *L, struct ork_lua_def *def, int owner)
{
    struct ork_lua_ref like = {.def = def, .kind = ORK_LUA_REF_PARAMS, .has = ORK_LUA_HAS(ORK_LUA_REF_PARAM)};
    ork_lua_ref_new(L, &like, NULL, "params", 6, owner);
}

/* ---- writing ---- */

static bool is_identifier(const char *s)
{
    if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_'))
        return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_'))
            return false;
    return true;
}

#define each_part(r, part)                                                                                             \
    for (const char *part = ork_lua_ref_text(r), *part##_end = part + (r)->len; part <= part##_end;                    \
         part += strlen(part) + 1)

static bool write_parts(const struct ork_lua_ref *r, struct ork_lua_buf *out)
{
    bool plain = true, rough = false, first = true;
    each_part(r, part) plain = plain && is_identifier(part);
    ork_lua_buf_adds(out, plain ? "{\"ref\":\"" : "{\"ref\":[\"");
    each_part(r, part)
    {
        if (!first)
            ork_lua_buf_adds(out, plain ? "." : "\",\"");
        first = false;
        for (const char *c = part; *c; c++) {
            if (*c == '"' || *c == '\\')
                ork_lua_buf_addc(out, '\\');
            ork_lua_buf_addc(out, *c);
            rough = rough || (unsigned char)*c >= 0x7f || *c == '"' || *c == '\\';
        }
    }
    ork_lua_buf_adds(out, plain ? "\"}" : "\"]}");
    return rough;
}

bool ork_lua_ref_write(const struct ork_lua_ref *r, struct ork_lua_buf *out)
{
    const char *text = ork_lua_ref_text(r);
    if (r->kind < ORK_LUA_REF_DATE)
        return write_parts(r, out);
    if (r->kind == ORK_LUA_REF_TEXT)
        ork_lua_buf_adds(out, "{\"text\":[");
    ork_lua_buf_add(out, text, r->len);
    if (r->kind == ORK_LUA_REF_TEXT)
        ork_lua_buf_adds(out, "]}");
    for (size_t i = 0; i < r->len; i++)
        if (text[i] == '\\' || (unsigned char)text[i] >= 0x7f)
            return true;
    return false;
}

void ork_lua_ref_name(const struct ork_lua_ref *r, struct ork_lua_buf *out)
{
    static const char *const names[] = {[ORK_LUA_REF_DATE] = "ork.date(…)",
                                        [ORK_LUA_REF_SECRET] = "ork.secret(…)",
                                        [ORK_LUA_REF_TEXT] = "a text of references"};
    const char *joint = r->kind >= ORK_LUA_REF_INPUTS ? "ork." : "";
    if (r->kind >= ORK_LUA_REF_DATE) {
        ork_lua_buf_adds(out, names[r->kind]);
        return;
    }
    each_part(r, part)
    {
        if (r->kind == ORK_LUA_REF_TASK && part == ork_lua_ref_text(r))
            continue; /* "tasks": users write extract.output */
        ork_lua_buf_adds(out, joint);
        ork_lua_buf_adds(out, part);
        joint = ".";
    }
}

bool ork_lua_ref_in_text(const char *s, size_t n)
{
    return n >= sizeof MARK && memchr(s, '<', n) && memmem(s, n, MARK, sizeof MARK - 1);
}

/* ---- fields ---- */

bool ork_lua_type_field(const json_t *type, const char *name, const json_t **field)
{
    *field = NULL;
    if (json_is_array(type) && json_array_size(type) == 2 && json_is_string(json_array_get(type, 0)) &&
        strcmp(json_string_value(json_array_get(type, 0)), "?") == 0)
        type = json_array_get(type, 1);
    if (!type || (json_is_string(type) && strncmp(json_string_value(type), "any", 3) == 0))
        return true;
    *field = json_is_object(type) ? json_object_get(type, name) : NULL;
    return *field != NULL;
}

#define MOST_WORDS 256

const char *ork_lua_suggest_key(const json_t *object, const char *word)
{
    const char *words[MOST_WORDS + 1];
    size_t n = 0;
    json_t *o = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(o); it && n < MOST_WORDS; it = json_object_iter_next(o, it))
        words[n++] = json_object_iter_key(it);
    words[n] = NULL;
    return ork_suggest(word, words);
}

/* "rows, parts" for messages. */
static void list_keys(const json_t *object, struct ork_lua_buf *out)
{
    json_t *o = (json_t *)(uintptr_t)object;
    size_t n = 0;
    for (void *it = json_object_iter(o); it && n < 12; it = json_object_iter_next(o, it), n++)
        ork_lua_buf_addf(out, "%s%s", n ? ", " : "", json_object_iter_key(it));
    if (json_object_size(o) > n)
        ork_lua_buf_adds(out, ", …");
}

static struct ork_lua_ref *check_ref(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, ORK_LUA_REF);
}

/* The name for messages, in the context's scratch. */
static const char *name_of(lua_State *L, const struct ork_lua_ref *r)
{
    struct ork_lua_buf *b = &ork_lua_ctx_get(L)->scratch;
    ork_lua_buf_clear(b);
    ork_lua_ref_name(r, b);
    return b->data;
}

static int no_such_field(lua_State *L, const struct ork_lua_ref *r, const char *key)
{
    const json_t *type = r->type;
    struct ork_lua_buf *b = &ork_lua_ctx_get(L)->text;
    const char *name = name_of(L, r);
    if (json_is_array(type) && json_array_size(type) == 2)
        type = json_array_get(type, 1);
    if (json_is_array(type))
        return ork_lua_raise(L, "%s is a list; it has no field `%s`, and its elements are known only in the run", name,
                             key);
    if (!json_is_object(type))
        return ork_lua_raise(L, "%s is declared as %s; it has no field `%s`", name, json_string_value(type), key);
    const char *near = ork_lua_suggest_key(type, key);
    if (near)
        return ork_lua_raise(L, "%s has no field `%s`; did you mean `%s`?", name, key, near);
    ork_lua_buf_clear(b);
    list_keys(type, b);
    return ork_lua_raise(L, "%s has no field `%s`; it is declared with %s", name, key, b->len ? b->data : "no fields");
}

static int push_param(lua_State *L, const struct ork_lua_ref *r, const char *key, size_t n)
{
    const json_t *params = ork_lua_def_params(r->def);
    const json_t *param = json_object_get(params, key);
    const char *workflow = ork_workflow_name(r->def->w);
    if (!param) {
        const char *near = params ? ork_lua_suggest_key(params, key) : NULL;
        if (near)
            return ork_lua_raise(L, "workflow `%s` has no param `%s`; did you mean `%s`?", workflow, key, near);
        return ork_lua_raise(L, "workflow `%s` has no param `%s`; declare it: params = { %s = \"str\" }", workflow, key,
                             key);
    }
    struct ork_lua_ref like = {
        .def = r->def, .type = json_object_get(param, "type"), .kind = ORK_LUA_REF_PARAM, .has = r->has};
    char parts[512];
    if (n > sizeof parts - 8)
        return ork_lua_raise(L, "the name of the param is too long");
    memcpy(parts, "params", 7);
    memcpy(parts + 7, key, n);
    lua_getiuservalue(L, 1, 1);
    ork_lua_ref_new(L, &like, NULL, parts, 7 + n, -1);
    return 1;
}

static int push_this(lua_State *L, const struct ork_lua_ref *r, const char *key)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    char parts[40] = "this";
    size_t i = 0;
    while (this_words[i] && strcmp(this_words[i], key) != 0)
        i++;
    if (!this_words[i]) {
        const char *near = ork_suggest(key, this_words);
        if (near)
            return ork_lua_raise(L, "ork.this has no field `%s`; did you mean `%s`?", key, near);
        return ork_lua_raise(L,
                             "ork.this has no field `%s`; it has run_id, task, task_index, attempt, logical_time, "
                             "scheduled_for, workflow",
                             key);
    }
    bool number = strcmp(key, "attempt") == 0 || strcmp(key, "task_index") == 0;
    struct ork_lua_ref like = {.type = number ? ctx->int_type : ctx->str_type, .kind = ORK_LUA_REF_THIS, .has = r->has};
    size_t n = strlen(key);
    memcpy(parts + 5, key, n);
    ork_lua_ref_new(L, &like, NULL, parts, 5 + n, 0);
    return 1;
}

static int push_field(lua_State *L, const struct ork_lua_ref *r, const char *key, size_t n)
{
    struct ork_lua_ref like = *r;
    if (!ork_lua_type_field(r->type, key, &like.type))
        return no_such_field(L, r, key);
    like.kind = r->kind == ORK_LUA_REF_INPUTS ? ORK_LUA_REF_INPUT : r->kind;
    luaL_Buffer b; /* Lua's buffer: the parts may be longer than the stack wants */
    luaL_buffinit(L, &b);
    luaL_addlstring(&b, ork_lua_ref_text(r), r->len);
    luaL_addchar(&b, '\0');
    luaL_addlstring(&b, key, n);
    luaL_pushresult(&b);
    size_t len;
    const char *parts = lua_tolstring(L, -1, &len);
    int owner = 0;
    if (r->def) {
        lua_getiuservalue(L, 1, 1);
        owner = lua_gettop(L);
    }
    ork_lua_ref_new(L, &like, r->deps, parts, len, owner);
    return 1;
}

static int ref_index(lua_State *L)
{
    const struct ork_lua_ref *r = check_ref(L, 1);
    size_t n;
    if (lua_type(L, 2) == LUA_TNUMBER)
        return ork_lua_raise(L,
                             "%s[%s]: the value exists only in the run; give the whole list to a task (`inputs`, "
                             "`command`) and take the element there",
                             name_of(L, r), lua_tostring(L, 2));
    if (lua_type(L, 2) != LUA_TSTRING)
        return ork_lua_raise(L, "%s: a %s is no name of a field", name_of(L, r), luaL_typename(L, 2));
    const char *key = lua_tolstring(L, 2, &n);
    if (n == 0 || strlen(key) != n || n > 200)
        return ork_lua_raise(L, "%s: not a name of a field", name_of(L, r));
    switch (r->kind) {
    case ORK_LUA_REF_PARAMS:
        return push_param(L, r, key, n);
    case ORK_LUA_REF_THESE:
        return push_this(L, r, key);
    case ORK_LUA_REF_PARAM:
    case ORK_LUA_REF_TASK:
    case ORK_LUA_REF_INPUTS:
    case ORK_LUA_REF_INPUT:
        return push_field(L, r, key, n);
    default:
        return ork_lua_raise(L, "%s is text; it has no field `%s`", name_of(L, r), key);
    }
}

/* ---- what cannot be meant ---- */

static const char *operand_name(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    int idx = ork_lua_is(L, 1, ctx->ref_mt) ? 1 : 2;
    return name_of(L, check_ref(L, idx));
}

static int ref_newindex(lua_State *L)
{
    return ork_lua_raise(L, "%s cannot be changed: it stands for a value of the run", operand_name(L));
}

static int ref_len(lua_State *L)
{
    return ork_lua_raise(
        L, "%s has no length while the script loads: its value exists only in the run; count in the task that gets it",
        operand_name(L));
}

static int ref_pairs(lua_State *L)
{
    return ork_lua_raise(L,
                         "%s cannot be looped over while the script loads: its value exists only in the run; loop in "
                         "the task that gets it",
                         operand_name(L));
}

static int ref_compare(lua_State *L)
{
    const char *name = operand_name(L);
    return ork_lua_raise(
        L, "%s cannot be compared while the script loads; decide in the run: when = { %s, \"<\", value }", name, name);
}

static int ref_equal(lua_State *L)
{
    const char *name = operand_name(L);
    return ork_lua_raise(
        L, "%s cannot be compared while the script loads; decide in the run: when = { %s, \"==\", value }", name, name);
}

static int ref_arithmetic(lua_State *L)
{
    return ork_lua_raise(L, "%s is no number while the script loads; calculate in the task that gets it",
                         operand_name(L));
}

static int ref_call(lua_State *L)
{
    return ork_lua_raise(L, "%s is a value of the run, not a function", operand_name(L));
}

static int ref_tostring(lua_State *L)
{
    lua_pushfstring(L, MARK "%s>", name_of(L, check_ref(L, 1)));
    return 1;
}

/* ---- tasks ---- */

int ork_lua_task_field(lua_State *L, struct ork_lua_def *def, uint32_t no, const char *key)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    lua_getiuservalue(L, 1, 1); /* the workflow */
    if (strcmp(key, "name") == 0)
        lua_pushstring(L, ork_workflow_task_name(def->w, no));
    else if (strcmp(key, "output") == 0)
        ork_lua_ref_task(L, def, no, key, ork_lua_def_output(def, no), -1);
    else if (strcmp(key, "status") == 0)
        ork_lua_ref_task(L, def, no, key, ctx->str_type, -1);
    else if (strcmp(key, "error") == 0 || strcmp(key, "results") == 0)
        ork_lua_ref_task(L, def, no, key, NULL, -1);
    else {
        const char *name = ork_workflow_task_name(def->w, no), *near = ork_suggest(key, task_words);
        const json_t *field, *output = ork_lua_def_output(def, no);
        if (near)
            return ork_lua_raise(L, "task `%s` has no field `%s`; did you mean `%s`?", name, key, near);
        if (output && ork_lua_type_field(output, key, &field))
            return ork_lua_raise(L, "task `%s` has no field `%s`; it is a field of its output: .output.%s", name, key,
                                 key);
        return ork_lua_raise(L, "task `%s` has no field `%s`; a task has name, output, status, error, results", name,
                             key);
    }
    return 1;
}

/* ---- ork.input, ork.this, ork.date, ork.secret ---- */

static int make_date(lua_State *L) /* ork.date([offset[, format]]) */
{
    static const char letters[] = "YmdHMSjyFTsab%";
    struct ork_lua_ref like = {.kind = ORK_LUA_REF_DATE, .has = ORK_LUA_HAS(ORK_LUA_REF_DATE)};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    int64_t offset_ms = 0;
    ork_err err;
    like.type = ctx->str_type;
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t n;
        const char *s = lua_tolstring(L, 1, &n);
        if (ork_duration_parse(s, n, &offset_ms, &err) < 0)
            return ork_lua_raise(L, "ork.date: %s", err.msg);
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        double s = lua_tonumber(L, 1);
        if (!(s > -1e12 && s < 1e12))
            return ork_lua_raise(L, "ork.date: the offset is too large");
        offset_ms = (int64_t)(s * 1000.0 + (s < 0 ? -0.5 : 0.5));
    } else if (!lua_isnoneornil(L, 1)) {
        return ork_lua_raise(L, "ork.date wants an offset such as \"-1d\", got %s", luaL_typename(L, 1));
    }
    ork_lua_buf_clear(&ctx->scratch);
    if (lua_isnoneornil(L, 2)) {
        ork_lua_buf_addf(&ctx->scratch, "{\"date\":{\"offset_ms\":%lld}}", (long long)offset_ms);
    } else {
        if (lua_type(L, 2) != LUA_TSTRING)
            return ork_lua_raise(L, "ork.date wants a format such as \"%%Y-%%m-%%d\", got %s", luaL_typename(L, 2));
        for (const char *c = lua_tostring(L, 2); *c; c++)
            if (*c == '%' && (!*++c || !strchr(letters, *c)))
                return ork_lua_raise(
                    L,
                    "ork.date: the format has %%%c; known are %%Y %%m %%d %%H %%M %%S %%j %%y %%F %%T %%s %%a %%b %%%%",
                    *c ? *c : ' ');
        ork_lua_buf_adds(&ctx->scratch, "{\"date\":{\"format\":");
        if (ork_lua_json_write(L, 2, "format", &ctx->scratch, &err) < 0)
            return ork_lua_raise(L, "ork.date: %s", err.msg);
        ork_lua_buf_addf(&ctx->scratch, ",\"offset_ms\":%lld}}", (long long)offset_ms);
    }
    ork_lua_ref_new(L, &like, NULL, ctx->scratch.data, ctx->scratch.len, 0);
    return 1;
}

static int make_secret(lua_State *L) /* ork.secret(name) */
{
    struct ork_lua_ref like = {.kind = ORK_LUA_REF_SECRET, .has = ORK_LUA_HAS(ORK_LUA_REF_SECRET)};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    if (!is_identifier(name) || strlen(name) != lua_rawlen(L, 1) || strlen(name) > 200)
        return ork_lua_raise(L, "ork.secret wants the name of a secret: letters, digits, _");
    like.type = ctx->str_type;
    ork_lua_buf_clear(&ctx->scratch);
    ork_lua_buf_addf(&ctx->scratch, "{\"secret\":\"%s\"}", name);
    ork_lua_ref_new(L, &like, NULL, ctx->scratch.data, ctx->scratch.len, 0);
    return 1;
}

void ork_lua_add_refs(lua_State *L)
{
    static const luaL_Reg methods[] = {{"__index", ref_index},
                                       {"__newindex", ref_newindex},
                                       {"__len", ref_len},
                                       {"__pairs", ref_pairs},
                                       {"__lt", ref_compare},
                                       {"__le", ref_compare},
                                       {"__eq", ref_equal},
                                       {"__call", ref_call},
                                       {"__concat", ork_lua_ref_concat},
                                       {"__tostring", ref_tostring},
                                       {"__add", ref_arithmetic},
                                       {"__sub", ref_arithmetic},
                                       {"__mul", ref_arithmetic},
                                       {"__div", ref_arithmetic},
                                       {"__mod", ref_arithmetic},
                                       {"__pow", ref_arithmetic},
                                       {"__unm", ref_arithmetic},
                                       {"__idiv", ref_arithmetic},
                                       {"__band", ref_arithmetic},
                                       {"__bor", ref_arithmetic},
                                       {"__bxor", ref_arithmetic},
                                       {"__shl", ref_arithmetic},
                                       {"__shr", ref_arithmetic},
                                       {"__bnot", ref_arithmetic},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"date", make_date}, {"secret", make_secret}, {"format", ork_lua_format}, {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ctx->ref_mt = ork_lua_metatable(L, ORK_LUA_REF);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    struct ork_lua_ref inputs = {.kind = ORK_LUA_REF_INPUTS, .has = ORK_LUA_HAS(ORK_LUA_REF_INPUT)};
    ork_lua_ref_new(L, &inputs, NULL, "input", 5, 0);
    lua_setfield(L, -2, "input");
    struct ork_lua_ref these = {.kind = ORK_LUA_REF_THESE, .has = ORK_LUA_HAS(ORK_LUA_REF_THIS)};
    ork_lua_ref_new(L, &these, NULL, "this", 4, 0);
    lua_setfield(L, -2, "this");
}
