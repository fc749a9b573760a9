/* SPDX-License-Identifier: MIT */
/* References: how they are made, written as JSON, and named in messages. */
#include "ref.h"
#include "def.h"
#include <jansson.h>
#include <string.h>

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
    if (like->kind != ORK_LUA_REF_PARAMS) /* which is none yet: its field raises */
        ork_lua_ref_in_call(L, r);
    return r;
}

void ork_lua_ref_task(lua_State *L, struct ork_lua_def *def, uint32_t task, const char *what, const json_t *type,
                      bool items, int owner)
{
    char parts[320];
    const char *name = ork_workflow_task_name(def->w, task);
    size_t n = strlen(name), w = strlen(what);
    struct ork_lua_ref like = {.def = def,
                               .type = type,
                               .kind = ORK_LUA_REF_TASK,
                               .has = ORK_LUA_HAS(ORK_LUA_REF_TASK),
                               .items = items,
                               .whole = items && strcmp(what, "output") == 0 && !ork_lua_type_is_optional(type) &&
                                        !ork_lua_def_spares(def, task),
                               .deps_len = 1};
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

bool ork_lua_is_identifier(const char *s)
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
    each_part(r, part) plain = plain && ork_lua_is_identifier(part);
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
    return n >= sizeof ORK_LUA_REF_MARK && memchr(s, '<', n) &&
           memmem(s, n, ORK_LUA_REF_MARK, sizeof ORK_LUA_REF_MARK - 1);
}

const char *ork_lua_ref_shown(lua_State *L, const struct ork_lua_ref *r)
{
    struct ork_lua_buf *b = &ork_lua_ctx_get(L)->scratch;
    ork_lua_buf_clear(b);
    ork_lua_ref_name(r, b);
    return b->data;
}
