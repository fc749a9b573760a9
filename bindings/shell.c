/* SPDX-License-Identifier: MIT */
/* Where references stand in a text for /bin/sh -c, and which parameter form is one word there: "$1" where the shell
 * reads words, ${1} between double quotes. The text is followed as the shell would read it; where no form is one word
 * (single quotes, here-documents, backquotes, arithmetic) the reference is refused. */
#include "task.h"
#include <jansson.h>
#include <string.h>

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
const char *ork_lua_shell_build(const json_t *parts, struct ork_lua_buf *script, json_t *args)
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
