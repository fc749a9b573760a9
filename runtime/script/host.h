/* SPDX-License-Identifier: MIT */
/* The Lua state of the program: standard libraries, the embedded lua/ tree and ork.core. */
#ifndef ORK_SCRIPT_HOST_H
#define ORK_SCRIPT_HOST_H

struct lua_State;

struct lua_State *ork_host_new(void);   /* NULL when memory is out */
void ork_host_end(struct lua_State *L); /* runs what is to be run at the end; the process is about to end, too */

/* Calls require(module)(argv) with argv a list of the arguments and argv[0] the program; returns its result, the exit
 * code. An error that escapes is a mistake of ours: told in a few lines, exit code 70. */
int ork_host_main(struct lua_State *L, const char *module, int argc, char **argv);

/* Makes `require` find the embedded modules, before anything on disk. $ORK_LUA_DIR (a lua/ folder) stands in for the
 * embedded tree while Ork itself is worked on. [-0, +0, m] */
void ork_embed_searcher(struct lua_State *L);

/* The module ork.embedded: a function that gives the bytes of an embedded file by its path, "ork/meta.lua". [-0, +1, m]
 */
int ork_embed_text(struct lua_State *L);

/* The module ork.slow: tells who waits that something takes long (script/slow.c). [-0, +1, m] */
int ork_script_slow(struct lua_State *L);

/* The module ork.edit: terminal and files of the prompt (script/edit.c). [-0, +1, m] */
int ork_script_edit(struct lua_State *L);
#endif
