/* SPDX-License-Identifier: MIT */
/* `command`: a list runs directly, a text by /bin/sh -c.
 *
 * Law: no value of the run is ever text of a command. In a text a reference becomes a positional parameter: "$1" where
 * the shell reads words, ${1} between double quotes. So the text is followed as the shell would read it; where a
 * parameter would not be one word (single quotes, here-documents, backquotes, arithmetic) a reference is refused. */
#include "json.h"
#include "ref.h"
#include "task.h"
#include <jansson.h>
#include <ctype.h>
#include <string.h>

#define NOT_SECRET (~ORK_LUA_HAS(ORK_LUA_REF_SECRET))

static void write_shell(struct ork_lua_reader *r, const struct ork_lua_ref *ref, struct ork_lua_span *out)
{
    struct ork_lua_buf *b = &r->ctx->scratch, script = {0};
    json_t *tree = NULL;
    char *text = NULL;
    size_t n;
    ork_err err;
    ork_lua_buf_clear(b);
    ork_lua_buf_addc(b, '[');
    ork_lua_buf_add(b, ork_lua_ref_text(ref), ref->len);
    ork_lua_buf_addc(b, ']');
    int rc = ork_json_parse(b->data, b->len, &tree, &err);
    if (rc == 0) {
        json_t *args = json_array();
        const char *fault = ork_lua_shell_build(tree, &script, args);
        json_t *shell = json_pack("{s:s#,s:o}", "shell", script.data ? script.data : "", (int)script.len, "args", args);
        if (fault)
            ork_lua_bad(r, "command", NULL, "is refused: %s", fault);
        else
            rc = ork_json_text(shell, &text, &n, &err);
        json_decref(shell);
        json_decref(tree);
    }
    ork_lua_buf_fini(&script);
    if (rc < 0)
        ork_lua_bad_at(r, "command", NULL, "command: %s", err.msg);
    out->at = r->ctx->values.len;
    if (text)
        ork_lua_buf_add(&r->ctx->values, text, n);
    out->len = r->ctx->values.len - out->at;
    ork_free(text);
}

static bool refuse_argument(struct ork_lua_reader *r, int idx, const char *path)
{
    lua_State *L = r->L;
    if (ork_lua_is(L, idx, r->ctx->task_mt))
        ork_lua_bad(r, path, "name a field of its output: task.output.FIELD", "is a task, not a text");
    else if (lua_type(L, idx) == LUA_TTABLE)
        ork_lua_bad(r, path, "one element is one argument; those of a list stand as the last: table.unpack(list)",
                    "is a table");
    else if (lua_type(L, idx) == LUA_TBOOLEAN)
        ork_lua_bad(r, path, lua_toboolean(L, idx) ? "write \"true\"" : "write \"false\"", "is a boolean, not a text");
    else
        ork_lua_bad(r, path, NULL, "wants a text, got %s", ork_lua_shown(L, idx));
    return false;
}

/* Values of Airflow's templates; other programs (docker --format) have braces of their own. */
static bool is_jinja(const char *s)
{
    static const char *const words[] = {"ds",   "ds_nodash", "params.", "ti.",  "task_instance.", "macros.",
                                        "var.", "conn.",     "ts",      "dag.", "logical_date",   "execution_date"};
    for (const char *at = strstr(s, "{{"); at; at = strstr(at + 2, "{{")) {
        const char *word = at + 2 + strspn(at + 2, " -");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            size_t len = strlen(words[i]);
            bool whole = words[i][len - 1] == '.' || !(isalnum((unsigned char)word[len]) || word[len] == '_');
            if (strncmp(word, words[i], len) == 0 && whole)
                return true;
        }
    }
    return false;
}

static bool write_string(struct ork_lua_reader *r, struct ork_lua_writer *w, int idx, lua_Integer i)
{
    char way[300];
    size_t n;
    const char *s = lua_tolstring(r->L, idx, &n);
    bool marked = ork_lua_ref_in_text(s, n);
    const char *path = i ? ork_lua_path_index(way, "command", i) : "command";
    if (is_jinja(s))
        ork_lua_warn(r, path, "join references: \"…\" .. ork.date() .. w.params.NAME",
                     "has {{ … }}, which Ork leaves as it is");
    if (!marked && ork_lua_write_string(w, s, n, "it") == 0)
        return true;
    if (marked)
        ork_lua_bad(r, path, "join it: \"…\" .. reference, or ork.format(\"…%s\", reference)",
                    "has a reference that was made into text while the script was loading");
    else
        ork_lua_bad(r, path, NULL, "is refused: %s", w->err->msg + (strncmp(w->err->msg, "it: ", 4) == 0 ? 4 : 0));
    return false;
}

/* Argument i of a list: a string as it stands, a number as text, a reference as its expression. */
static bool write_argument(struct ork_lua_reader *r, struct ork_lua_writer *w, int idx, lua_Integer i)
{
    char way[300], number[40];
    if (lua_type(r->L, idx) == LUA_TSTRING && (i > 1 || lua_rawlen(r->L, idx) > 0))
        return write_string(r, w, idx, i);
    ork_lua_path_index(way, "command", i);
    if (lua_type(r->L, idx) == LUA_TSTRING) {
        ork_lua_bad(r, way, NULL, "is empty: it names no program");
        return false;
    }
    if (lua_type(r->L, idx) == LUA_TNUMBER && ork_lua_number_text(r->L, idx, number)) {
        ork_lua_buf_addf(w->out, "\"%s\"", number);
        return true;
    }
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    if (!ref)
        return refuse_argument(r, idx, way);
    if (!ork_lua_read_ref(r, ref, way, NOT_SECRET))
        return false;
    w->rough = ork_lua_ref_write(ref, w->out) || w->rough;
    return true;
}

/* { "tar -czf x y" }: a program of that name is hardly meant. */
static void warn_of_blanks(struct ork_lua_reader *r, int idx)
{
    const char *s = lua_rawgeti(r->L, idx, 1) == LUA_TSTRING ? lua_tostring(r->L, -1) : "";
    if (strchr(s, ' ') && *s != '/' && *s != '.')
        ork_lua_warn(r, "command\n#1", "a list goes without a shell: write a text, or an element for each word",
                     "names a program with blanks in its name");
    lua_pop(r->L, 1);
}

static void read_list(struct ork_lua_reader *r, int idx, struct ork_lua_span *out)
{
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    ork_err err;
    struct ork_lua_writer w = {.L = L, .ctx = r->ctx, .out = b, .err = &err};
    lua_Integer n;
    bool good = true;
    out->at = b->len;
    if (!ork_lua_read_list(r, idx, "command", "a list of arguments or a text", &n))
        return;
    if (n == 0) {
        ork_lua_bad(r, "command", NULL, "is empty: it names no program");
        return;
    }
    ork_lua_buf_addc(b, '[');
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            ork_lua_buf_addc(b, ',');
        lua_rawgeti(L, idx, i);
        good = write_argument(r, &w, lua_gettop(L), i) && good;
        lua_pop(L, 1);
    }
    if (n == 1)
        warn_of_blanks(r, idx);
    ork_lua_buf_addc(b, ']');
    if (good && ork_lua_write_end(&w, out->at) == 0)
        out->len = b->len - out->at;
    else
        b->len = out->at;
}

void ork_lua_read_command(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_State *L = r->L;
    struct ork_lua_task *t = out;
    const struct ork_lua_ref *ref = ork_lua_is(L, idx, r->ctx->ref_mt);
    ork_err err;
    struct ork_lua_writer w = {.L = L, .ctx = r->ctx, .out = &r->ctx->values, .err = &err};
    t->has_work = true;
    if (ref && ref->kind == ORK_LUA_REF_TEXT) {
        if (ork_lua_read_ref(r, ref, path, NOT_SECRET))
            write_shell(r, ref, &t->command);
        return;
    }
    if (ref) {
        ork_lua_bad(r, path, "a list runs a program: { program, argument, … }",
                    "is only a reference; a value of the run is never a command of the shell");
        return;
    }
    if (lua_type(L, idx) != LUA_TSTRING) {
        read_list(r, idx, &t->command);
        return;
    }
    if (lua_rawlen(L, idx) == 0 || strspn(lua_tostring(L, idx), " \t\n") == lua_rawlen(L, idx)) {
        ork_lua_bad(r, path, NULL, "is empty: it names no program");
        return;
    }
    t->command.at = r->ctx->values.len;
    if (write_string(r, &w, idx, 0) && ork_lua_write_end(&w, t->command.at) == 0)
        t->command.len = r->ctx->values.len - t->command.at;
    else
        r->ctx->values.len = t->command.at;
}
