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
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_SECRET (~ORK_LUA_HAS(ORK_LUA_REF_SECRET))
#define DEEPEST 32

/* What the shell is in the middle of; contexts are nested by $( … ) and quotes. */
enum context { WORDS, PAREN, DOUBLE, SINGLE, BACKQUOTE, BRACES, ARITHMETIC, COMMENT };

struct quoting {
    enum context in[DEEPEST];
    int top;
    bool escaped;      /* a backslash stands before what follows */
    bool heredoc_next; /* << was read: the lines below are a here-document */
    bool heredoc;
    bool word; /* the character before belongs to a word, so # is no comment */
    bool lost; /* nested too deep to say */
};

static void enter(struct quoting *q, enum context c)
{
    if (q->top + 1 < DEEPEST)
        q->in[++q->top] = c;
    else
        q->lost = true;
}

static void leave(struct quoting *q)
{
    if (q->top > 0)
        q->top--;
}

/* Reads "$(" "$((" "${" at s; returns how many characters, 0 when it is none. */
static size_t read_dollar(struct quoting *q, const char *s)
{
    if (strncmp(s, "$((", 3) == 0) {
        enter(q, ARITHMETIC);
        enter(q, ARITHMETIC); /* both parentheses are closed */
        return 3;
    }
    if (strncmp(s, "$(", 2) == 0) {
        enter(q, PAREN);
        q->word = false;
        return 2;
    }
    if (strncmp(s, "${", 2) == 0) {
        enter(q, BRACES);
        return 2;
    }
    return 0;
}

static size_t read_words(struct quoting *q, const char *s)
{
    char c = *s;
    size_t n = c == '$' ? read_dollar(q, s) : 0;
    bool was_word = q->word;
    if (n > 0)
        return n;
    q->word = !strchr(" \t\n;&|()<>", c);
    if (c == '\\')
        q->escaped = true;
    else if (c == '"')
        enter(q, DOUBLE);
    else if (c == '\'')
        enter(q, SINGLE);
    else if (c == '`')
        enter(q, BACKQUOTE);
    else if (c == '#' && !was_word)
        enter(q, COMMENT);
    else if (c == '(')
        enter(q, PAREN);
    else if (c == ')' && q->in[q->top] == PAREN)
        leave(q);
    else if (c == '<' && s[1] == '<') {
        q->heredoc_next = true;
        return 2;
    } else if (c == '\n' && q->heredoc_next)
        q->heredoc = true;
    return 1;
}

/* Follows one character or sign at s; returns how many it read. */
static size_t follow(struct quoting *q, const char *s)
{
    char c = *s;
    size_t n;
    if (q->escaped) {
        q->escaped = false;
        q->word = true;
        return 1;
    }
    switch (q->in[q->top]) {
    case WORDS:
    case PAREN:
        return read_words(q, s);
    case DOUBLE:
        n = c == '$' ? read_dollar(q, s) : 0;
        if (n > 0)
            return n;
        q->escaped = c == '\\';
        if (c == '"')
            leave(q);
        else if (c == '`')
            enter(q, BACKQUOTE);
        return 1;
    case SINGLE:
        if (c == '\'')
            leave(q);
        return 1;
    case BACKQUOTE:
        q->escaped = c == '\\';
        if (c == '`')
            leave(q);
        return 1;
    case BRACES:
        q->escaped = c == '\\';
        if (c == '}')
            leave(q);
        else if (c == '{')
            enter(q, BRACES);
        return 1;
    case ARITHMETIC:
        if (c == ')')
            leave(q);
        else if (c == '(')
            enter(q, ARITHMETIC);
        return 1;
    case COMMENT:
        if (c == '\n') {
            leave(q);
            q->word = false;
            return read_words(q, s);
        }
        return 1;
    }
    return 1;
}

static const char *find_fault(const struct quoting *q)
{
    if (q->lost)
        return "the command is nested too deep to place a reference in it";
    if (q->heredoc)
        return "a reference stands in a here-document; pass it by `env` and write \"$NAME\" there";
    if (q->escaped)
        return "a backslash stands before a reference";
    switch (q->in[q->top]) {
    case SINGLE:
        return "a reference stands in single quotes, where the shell replaces nothing; use double quotes";
    case BACKQUOTE:
        return "a reference stands in backquotes; use $( … )";
    case BRACES:
        return "a reference stands in ${ … }; pass it by `env`";
    case ARITHMETIC:
        return "a reference stands in $(( … )), where a value could run commands; pass it by `env`";
    default:
        return NULL;
    }
}

static void add_parameter(const struct quoting *q, struct ork_lua_buf *script, size_t n)
{
    const char *quote = q->in[q->top] == DOUBLE || q->in[q->top] == COMMENT ? "" : "\"";
    if (*quote)
        ork_lua_buf_addf(script, n < 10 ? "\"$%zu\"" : "\"${%zu}\"", n);
    else
        ork_lua_buf_addf(script, "${%zu}", n);
}

/* Builds the script and its arguments from the parts of a text; NULL or what is wrong. */
static const char *build_shell(const json_t *parts, struct ork_lua_buf *script, json_t *args)
{
    struct quoting q = {0};
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part)
    {
        if (!json_is_string(part)) {
            const char *fault = find_fault(&q);
            if (fault)
                return fault;
            json_array_append(args, part);
            add_parameter(&q, script, json_array_size(args));
            q.word = true;
            continue;
        }
        const char *s = json_string_value(part);
        ork_lua_buf_adds(script, s);
        while (*s)
            s += follow(&q, s);
    }
    if (q.top > 0 && (q.in[q.top] == SINGLE || q.in[q.top] == DOUBLE))
        return q.in[q.top] == SINGLE ? "the command ends inside single quotes"
                                     : "the command ends inside double quotes";
    return NULL;
}

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
        const char *fault = build_shell(tree, &script, args);
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
        ork_lua_bad(r, path, "one element is one argument", "is a table");
    else if (lua_type(L, idx) == LUA_TBOOLEAN)
        ork_lua_bad(r, path, lua_toboolean(L, idx) ? "write \"true\"" : "write \"false\"", "is a boolean, not a text");
    else
        ork_lua_bad(r, path, NULL, "wants a text, got %s", ork_lua_shown(L, idx));
    return false;
}

static bool write_string(struct ork_lua_reader *r, struct ork_lua_writer *w, int idx, lua_Integer i)
{
    char way[300];
    size_t n;
    const char *s = lua_tolstring(r->L, idx, &n);
    bool marked = ork_lua_ref_in_text(s, n);
    if (!marked && ork_lua_write_string(w, s, n, "it") == 0)
        return true;
    const char *path = i ? ork_lua_path_index(way, "command", i) : "command";
    if (marked)
        ork_lua_bad(r, path, "join it: \"…\" .. reference, or ork.format(\"…%s\", reference)",
                    "has a reference that was made into text while the script was loading");
    else
        ork_lua_bad(r, path, NULL, "is refused: %s", w->err->msg);
    return false;
}

static void write_number(struct ork_lua_writer *w, int idx)
{
    char text[40];
    lua_State *L = w->L;
    double v = lua_tonumber(L, idx);
    if (lua_isinteger(L, idx))
        snprintf(text, sizeof text, "\"%lld\"", (long long)lua_tointeger(L, idx));
    else if (v == floor(v) && fabs(v) < 1e15) /* 12.0 is 12 in an argument */
        snprintf(text, sizeof text, "\"%.0f\"", v);
    else
        snprintf(text, sizeof text, "\"%.14g\"", v);
    ork_lua_buf_adds(w->out, text);
}

/* Argument i of a list: a string as it stands, a number as text, a reference as its expression. */
static bool write_argument(struct ork_lua_reader *r, struct ork_lua_writer *w, int idx, lua_Integer i)
{
    char way[300];
    if (lua_type(r->L, idx) == LUA_TSTRING && (i > 1 || lua_rawlen(r->L, idx) > 0))
        return write_string(r, w, idx, i);
    ork_lua_path_index(way, "command", i);
    if (lua_type(r->L, idx) == LUA_TSTRING) {
        ork_lua_bad(r, way, NULL, "is empty: it names no program");
        return false;
    }
    if (lua_type(r->L, idx) == LUA_TNUMBER) {
        write_number(w, idx);
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
