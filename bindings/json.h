/* SPDX-License-Identifier: MIT */
/* Lua values as canonical JSON text, and as expressions (docs/internals/json.md) where references stand among them. */
#ifndef ORK_BINDINGS_JSON_H
#define ORK_BINDINGS_JSON_H
#include "context.h"

struct ork_lua_ref;
struct ork_lua_frame;

struct ork_lua_writer {
    lua_State *L;
    const struct ork_lua_ctx *ctx;
    struct ork_lua_buf *out;
    const char *root; /* what paths begin with */
    ork_err *err;     /* filled on failure */
    /* Judges a reference where it stands; NULL: none may stand there. 0, or an error in w->err. */
    int (*on_ref)(struct ork_lua_writer *w, const struct ork_lua_ref *ref, const char *path);
    void *data; /* for on_ref */
    int depth;  /* levels that are left */
    bool rough; /* the text so far may not be canonical: floats, escapes */
};

/* The value at idx, without references. 0 or ORK_EJSON. [-0, +0, m] */
int ork_lua_write_plain(struct ork_lua_writer *w, int idx) ORK_MUSTCHECK;
/* The value at idx as an expression: {"const":V}, {"ref":…}, {"list":[…]}, … [-0, +0, m] */
int ork_lua_write_expr(struct ork_lua_writer *w, int idx) ORK_MUSTCHECK;
/* A JSON string. Sets w->rough when it needs more than quotes. */
int ork_lua_write_string(struct ork_lua_writer *w, const char *s, size_t n, const char *path) ORK_MUSTCHECK;
/* The same; NULL, or what is wrong with the text. */
const char *ork_lua_write_text(struct ork_lua_writer *w, const char *s, size_t n);
/* The decimal sign of the host's locale in a printed number becomes a point. */
void ork_lua_point(char *number);
/* Makes what was written from `start` on canonical, if it is rough. */
int ork_lua_write_end(struct ork_lua_writer *w, size_t start) ORK_MUSTCHECK;
int ork_lua_error(ork_err *err, int code, const char *fmt, ...) ORK_PRINTF(3, 4); /* fills err, returns code */
#endif
