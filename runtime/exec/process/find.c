/* SPDX-License-Identifier: MIT */
/* Where ork-agent is. The program and the Lua module may be installed by a package, by LuaRocks, or run from the folder
 * they were built in, so the agent is looked for around the file this code was loaded from, wherever that was moved to.
 * That file is asked of the kernel: the loader knows a program by its argv[0] and a module by what `require` made of a
 * search path, both of which may be relative to a folder that is not the current one any more. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "base/where.h"
#include "exec/process/agent.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "ork-agent"
#define LUA_ABI "5.4"

static bool usable(const char *path, char **out)
{
    char full[PATH_MAX];

    if (access(path, X_OK) < 0 || !realpath(path, full))
        return false;
    *out = ork_strdup(full);
    return true;
}

static bool try_around(const char *file, char **out)
{
    static const char *const places[] = {
        "",                            /* beside: a folder of a build, or the module of a rock */
        "../libexec/ork/",             /* bin/ork */
        "../../../../libexec/ork/",    /* lib/lua/5.4/ork/core.so */
        "../../../../../libexec/ork/", /* lib/x86_64-linux-gnu/lua/5.4/ork/core.so */
        "../lib/lua/" LUA_ABI "/ork/", /* bin/ork of a tree of LuaRocks */
        "../../",                      /* lib/ork/core.so in the folder of a build */
    };
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_dirname(file);

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct ork_buf path = ORK_BUF_INIT;
        bool found;

        ork_buf_addf(&path, "%s/%s" NAME, dir, places[i]);
        found = usable(path.data, out);
        ork_buf_fini(&path);
        if (found)
            return true;
    }
    return false;
}

static bool try_path(char **out)
{
    const char *at = getenv("PATH");

    for (; at && *at; at += *at == ':') {
        size_t n = strcspn(at, ":");
        struct ork_buf path = ORK_BUF_INIT;
        bool found;

        ork_buf_add(&path, at, n);
        ork_buf_adds(&path, "/" NAME);
        found = n && usable(path.data, out);
        ork_buf_fini(&path);
        if (found)
            return true;
        at += n;
    }
    return false;
}

int ork_agent_find_program(char **out, ork_err *err)
{
    const char *given = getenv("ORK_AGENT");
    char self[PATH_MAX];

    if (given && *given) {
        if (usable(given, out))
            return 0;
        return ork_err_set(err, ORK_EAGENT, "ORK_AGENT names `%s`, which is not a program that can be run", given);
    }
    bool known = ork_where_from(self);
    if ((known && try_around(self, out)) || usable(ORK_AGENT_HOME "/" NAME, out) || try_path(out))
        return 0;
    return ork_err_set(
        err, ORK_EAGENT,
        "cannot find the program `" NAME
        "`, which starts the processes of tasks (looked beside `%s`, in its libexec/ork, in " ORK_AGENT_HOME
        " and in PATH); it belongs to the package `ork`: install that again, or set ORK_AGENT to its path",
        known ? self : "this program");
}
