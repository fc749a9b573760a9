/* SPDX-License-Identifier: MIT */
/* ork_edit.so: a line of the prompt typed on a terminal, by libedit. A Lua module of its own, opened only by `ork
 * repl`.
 *
 * While somebody types, libedit asks for each character (get_char); that is where the loop is driven, in Lua, until the
 * terminal has something: runs go on between two keys. What they have to say is written above the line (above).
 *
 * Law: no Lua error jumps through libedit; a callback runs protected, what it raised ends the line and is raised by
 * read(). The terminal is as it was before whenever read() does not run. */
#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <lauxlib.h>
#include <locale.h>
#include <lua.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDITOR "ork.editor"
#define CTRL_C 3
#define HISTORY_SIZE 1000
#define LINE_MAX_CHARS (64 * 1024) /* libedit draws a line again for each key: longer ones would take minutes */

enum {
    WAIT = 1,
    COMPLETE,
    ERROR
}; /* user values: function() -> what happened; function(line, cursor); what was raised */

struct editor {
    EditLine *el;
    HistoryW *history;
    lua_State *L; /* of the running read(), NULL outside */
    char prompt[128];
    unsigned char bytes[4096]; /* read from the terminal, not yet given to libedit */
    size_t at, len;
    mbstate_t state;
    size_t chars; /* of this line */
    bool cleared; /* Ctrl-C */
    bool failed;  /* a callback raised; its error is user value ERROR */
};

static struct editor *check_editor(lua_State *L)
{
    struct editor *ed = luaL_checkudata(L, 1, EDITOR);

    if (!ed->el)
        luaL_error(L, "the editor is closed");
    return ed;
}

static struct editor *editor_of(EditLine *el)
{
    void *data = NULL;

    el_get(el, EL_CLIENTDATA, &data);
    return data;
}

/* Calls user value `which` of the editor (at index 1) with the n arguments on the stack. false: it raised. */
static bool call_back(struct editor *ed, int which, int n, int results)
{
    lua_State *L = ed->L;

    lua_getiuservalue(L, 1, which);
    lua_insert(L, -n - 1);
    if (lua_pcall(L, n, results, 0) == LUA_OK)
        return true;
    lua_setiuservalue(L, 1, ERROR);
    ed->failed = true;
    return false;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* 1: there are bytes; 0: no more will come, or a callback raised; CTRL_C: asked for by a signal. */
static int wait_for_bytes(struct editor *ed)
{
    const char *what;
    int result;

    if (!call_back(ed, WAIT, 0, 1))
        return 0;
    what = lua_tostring(ed->L, -1);
    result = !what || strcmp(what, "end") == 0 ? 0 : strcmp(what, "interrupted") == 0 ? CTRL_C : 1;
    lua_pop(ed->L, 1);
    return result;
}

static int fill(struct editor *ed) /* as wait_for_bytes, with the bytes read */
{
    for (;;) {
        int what = wait_for_bytes(ed);
        ssize_t n;

        if (what != 1)
            return what;
        n = read(STDIN_FILENO, ed->bytes, sizeof ed->bytes);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            return 0;
        if (n < 0)
            continue;
        ed->at = 0;
        ed->len = (size_t)n;
        return 1;
    }
}

/* EL_GETCFN: 1 and a character, or 0 at the end. */
static int get_char(EditLine *el, wchar_t *out)
{
    struct editor *ed = editor_of(el);

    for (;;) {
        char byte;
        size_t used;
        if (ed->at == ed->len) {
            int what = fill(ed);
            if (what == CTRL_C)
                *out = CTRL_C;
            if (what != 1)
                return what == CTRL_C;
        }
        byte = (char)ed->bytes[ed->at++];
        used = mbrtowc(out, &byte, 1, &ed->state);
        if (used == (size_t)-2)
            continue;
        if (used == (size_t)-1) {
            memset(&ed->state, 0, sizeof ed->state);
            *out = 0xFFFD;
        } else if (used == 0) {
            *out = 0xFFFD; /* a zero byte would end the line for C */
        }
        if (ed->chars++ < LINE_MAX_CHARS || *out == L'\n' || *out == L'\r' || *out < 32)
            return 1;
    }
}

/* ---- the screen ------------------------------------------------------------------------------ */

static int columns_of(wchar_t c)
{
    int n = wcwidth(c);

    return n < 0 ? 2 : n; /* control characters show as ^X */
}

/* Rows between the one where the prompt begins and that of the cursor. */
static int rows_above_cursor(struct editor *ed)
{
    const LineInfoW *line = el_wline(ed->el);
    int width = 80, column = (int)strlen(ed->prompt), row;

    el_get(ed->el, EL_GETTC, "co", &width);
    if (width < 1)
        width = 80;
    row = column / width;
    column %= width;
    for (const wchar_t *c = line->buffer; c < line->cursor; c++) {
        if (*c == L'\n') {
            row++;
            column = 0;
            continue;
        }
        column += columns_of(*c);
        if (column >= width) {
            row++;
            column = column == width ? 0 : columns_of(*c);
        }
    }
    return row;
}

/* To the beginning of the prompt, with nothing behind it: EL_REFRESH draws from there. */
static FILE *go_to_start(struct editor *ed)
{
    FILE *out = NULL;
    int rows = rows_above_cursor(ed);

    el_get(ed->el, EL_GETFP, 1, &out);
    fputc('\r', out);
    if (rows > 0)
        fprintf(out, "\033[%dA", rows);
    fputs("\033[J", out);
    return out;
}

static void print_above(struct editor *ed, const char *text, size_t len)
{
    FILE *out = go_to_start(ed);

    fwrite(text, 1, len, out);
    if (len == 0 || text[len - 1] != '\n')
        fputc('\n', out);
    fflush(out);
    el_set(ed->el, EL_REFRESH);
}

/* Ctrl-C: the line stays on the screen, marked as the terminal does it elsewhere, and is gone for us. */
static unsigned char clear_line(EditLine *el, int key)
{
    struct editor *ed = editor_of(el);
    const LineInfoW *line = el_wline(el);
    FILE *out = go_to_start(ed);

    (void)key;
    ed->cleared = true;
    el_cursor(el, (int)(line->lastchar - line->cursor));
    el_winsertstr(el, L"^C");
    el_set(el, EL_REFRESH);
    fputs("\r\n", out);
    return CC_NEWLINE;
}

static char *prompt_of(EditLine *el)
{
    return editor_of(el)->prompt;
}

/* TAB: the Lua function gets the line and the cursor in bytes; gives what to insert and what to show above, or nil. */
static unsigned char complete(EditLine *el, int key)
{
    struct editor *ed = editor_of(el);
    lua_State *L = ed->L;
    const LineInfo *line = el_line(el);
    const char *insert;
    size_t len;

    (void)key;
    lua_pushlstring(L, line->buffer, (size_t)(line->lastchar - line->buffer));
    lua_pushinteger(L, (lua_Integer)(line->cursor - line->buffer));
    if (!call_back(ed, COMPLETE, 2, 2))
        return CC_EOF;
    insert = lua_tostring(L, -2);
    const char *shown = lua_tolstring(L, -1, &len);
    if (shown)
        print_above(ed, shown, len);
    if (insert && *insert)
        el_insertstr(el, insert);
    lua_pop(L, 2);
    return insert && *insert ? CC_REFRESH : shown ? CC_NORM : CC_REFRESH_BEEP;
}

/* ---- Lua ------------------------------------------------------------------------------------- */

static wchar_t *widen(const char *text)
{
    size_t n = mbstowcs(NULL, text, 0);
    wchar_t *wide = n == (size_t)-1 ? NULL : malloc((n + 1) * sizeof *wide);

    if (wide)
        mbstowcs(wide, text, n + 1);
    return wide;
}

/* read(prompt) -> line | false, "cleared" or "long" | nil: no more input. The line has no end of line. */
static int editor_read(lua_State *L)
{
    struct editor *ed = check_editor(L);
    const char *prompt = luaL_checkstring(L, 2), *line;
    int n = 0;

    lua_settop(L, 2);
    luaL_checkstack(L, 16, NULL);
    strncpy(ed->prompt, prompt, sizeof ed->prompt - 1);
    memset(&ed->state, 0, sizeof ed->state);
    ed->chars = 0;
    ed->cleared = ed->failed = false;
    ed->L = L;
    el_set(ed->el, EL_PREP_TERM, 1); /* before the prompt: what is typed from then on is echoed once */
    line = el_gets(ed->el, &n);
    ed->L = NULL;
    lua_settop(L, 2);
    if (ed->failed) {
        lua_getiuservalue(L, 1, ERROR);
        return lua_error(L);
    }
    if (ed->cleared) {
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "cleared");
        return 2;
    }
    if (ed->chars > LINE_MAX_CHARS) { /* what is left of it may mean something else */
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "long");
        return 2;
    }
    if (!line || n <= 0)
        return 0;
    if (line[n - 1] == '\n')
        n--;
    lua_pushlstring(L, line, (size_t)n);
    return 1;
}

static int editor_above(lua_State *L) /* above(text): lines above the one that is being typed; only inside read */
{
    struct editor *ed = check_editor(L);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);

    if (ed->L)
        print_above(ed, text, len);
    return 0;
}

static int editor_remember(lua_State *L) /* remember(text): into the history of the arrow keys */
{
    struct editor *ed = check_editor(L);
    wchar_t *text = widen(luaL_checkstring(L, 2));
    HistEventW event;

    if (text && *text)
        history_w(ed->history, &event, H_ENTER, text);
    free(text);
    return 0;
}

static int editor_resized(lua_State *L) /* resized(): after SIGWINCH */
{
    struct editor *ed = check_editor(L);

    el_resize(ed->el);
    if (ed->L) { /* terminals that reflow have the line where the new width puts it */
        go_to_start(ed);
        el_set(ed->el, EL_REFRESH);
    }
    return 0;
}

static int
editor_prepare(lua_State *L) /* prepare(on): give the terminal back, or take it, around a stop; inside read */
{
    struct editor *ed = check_editor(L);
    bool on = lua_toboolean(L, 2);

    if (!ed->L)
        return 0;
    el_set(ed->el, EL_PREP_TERM, on);
    if (on)
        el_set(ed->el, EL_REFRESH);
    return 0;
}

static int editor_close(lua_State *L) /* close(); again: nothing */
{
    struct editor *ed = luaL_checkudata(L, 1, EDITOR);

    if (ed->el)
        el_end(ed->el);
    if (ed->history)
        history_wend(ed->history);
    ed->el = NULL;
    ed->history = NULL;
    return 0;
}

static void bind_keys(EditLine *el)
{
    static const char *const keys[][2] = {
        {"^I", "ork-complete"},       {"^C", "ork-clear"},
        {"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"},
        {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"},
        {"\\e[H", "ed-move-to-beg"},  {"\\e[F", "ed-move-to-end"},
    };

    el_wset(el, EL_ADDFN, L"ork-complete", L"Complete a name", complete); /* el_set copies the texts and loses them */
    el_wset(el, EL_ADDFN, L"ork-clear", L"Clear the line", clear_line);
    el_set(el, EL_EDITOR, "emacs");
    el_source(el, NULL); /* ~/.editrc */
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

/* Is the terminal known, and can it go up a line? */
static bool can_move(EditLine *el)
{
    char *up = NULL;

    return el_get(el, EL_GETTC, "up", &up) == 0 && up && *up;
}

/* open(wait, complete) -> editor | nil, message. wait() drives the loop until standard input can be read: "ready", or
 * says "interrupted" or "end". */
static int editor_open(lua_State *L)
{
    struct editor *ed;
    HistEventW event;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    ed = lua_newuserdatauv(L, sizeof *ed, 3);
    memset(ed, 0, sizeof *ed);
    luaL_setmetatable(L, EDITOR);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, WAIT);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, COMPLETE);
    ed->el = el_init("ork", stdin, stdout, stderr);
    ed->history = history_winit();
    if (!ed->el || !ed->history || !can_move(ed->el)) {
        lua_pushnil(L);
        lua_pushliteral(L, "the terminal cannot be edited on");
        return 2;
    }
    el_set(ed->el, EL_CLIENTDATA, ed);
    el_set(ed->el, EL_SIGNAL, 0);
    el_set(ed->el, EL_PROMPT, prompt_of);
    bind_keys(ed->el);
    el_set(ed->el, EL_GETCFN, get_char);
    history_w(ed->history, &event, H_SETSIZE, HISTORY_SIZE);
    history_w(ed->history, &event, H_SETUNIQUE, 1);
    el_wset(ed->el, EL_HIST, history_w, ed->history);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_ork_edit(lua_State *L);

int luaopen_ork_edit(lua_State *L)
{
    static const luaL_Reg methods[] = {{"above", editor_above},
                                       {"close", editor_close},
                                       {"prepare", editor_prepare},
                                       {"read", editor_read},
                                       {"remember", editor_remember},
                                       {"resized", editor_resized},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", editor_close}, {"__close", editor_close}, {NULL, NULL}};

    luaL_newmetatable(L, EDITOR);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, editor_open);
    lua_setfield(L, -2, "open");
    return 1;
}
