/* SPDX-License-Identifier: MIT */
/* Where the programs that belong to Ork are: ork-agent, `ork` itself for workers, and the files of Python tasks. The
 * program and the Lua module may be installed by a package, by LuaRocks, or run from the folder they were built in, so
 * they are looked for around the file this code was loaded from, wherever that was moved to. That file is asked of the
 * kernel: the loader knows a program by its argv[0] and a module by what `require` made of a search path, both of which
 * may be relative to a folder that is not the current one any more. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "base/where.h"
#include "exec/process/agent.h"
#include "exec/worker/worker.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT "ork-agent"
#define PROGRAM "ork"
#define LUA_ABI "5.4"

static bool found(const char *path, int mode, char **out)
{
    char full[PATH_MAX];

    if (access(path, mode) < 0 || !realpath(path, full))
        return false;
    *out = ork_strdup(full);
    return true;
}

static bool usable(const char *path, char **out)
{
    return found(path, X_OK, out);
}

static const char *const agent_places[] = {
    "",                            /* beside: a folder of a build, or the module of a rock */
    "../libexec/ork/",             /* bin/ork */
    "../../../../libexec/ork/",    /* lib/lua/5.4/ork/core.so */
    "../../../../../libexec/ork/", /* lib/x86_64-linux-gnu/lua/5.4/ork/core.so */
    "../lib/lua/" LUA_ABI "/ork/", /* bin/ork of a tree of LuaRocks */
    "../../",                      /* lib/ork/core.so in the folder of a build */
    NULL,
};
static const char *const program_places[] = {
    "../../",              /* lib/ork/core.so in the folder of a build */
    "../../../../bin/",    /* lib/lua/5.4/ork/core.so */
    "../../../../../bin/", /* lib/x86_64-linux-gnu/lua/5.4/ork/core.so */
    NULL,
};

static bool try_around(const char *file, const char *const *places, const char *name, int mode, char **out)
{
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_dirname(file);

    for (; *places; places++) {
        struct ork_buf path = ORK_BUF_INIT;
        bool there;

        ork_buf_addf(&path, "%s/%s%s", dir, *places, name);
        there = found(path.data, mode, out);
        ork_buf_fini(&path);
        if (there)
            return true;
    }
    return false;
}

static bool try_path(const char *name, char **out)
{
    const char *at = getenv("PATH");

    for (; at && *at; at += *at == ':') {
        size_t n = strcspn(at, ":");
        struct ork_buf path = ORK_BUF_INIT;
        bool there;

        ork_buf_add(&path, at, n);
        ork_buf_addf(&path, "/%s", name);
        there = n && usable(path.data, out);
        ork_buf_fini(&path);
        if (there)
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
    if ((known && try_around(self, agent_places, AGENT, X_OK, out)) || usable(ORK_AGENT_HOME "/" AGENT, out) ||
        try_path(AGENT, out))
        return 0;
    return ork_err_set(
        err, ORK_EAGENT,
        "cannot find the program `" AGENT
        "`, which starts the processes of tasks (looked beside `%s`, in its libexec/ork, in " ORK_AGENT_HOME
        " and in PATH); it belongs to the package `ork`: install that again, or set ORK_AGENT to its path",
        known ? self : "this program");
}

/* Is the file that this code is part of a program (and no module of another)? */
static bool is_program(const char *self)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (n <= 0)
        return false;
    exe[n] = '\0';
    size_t len = strlen(self); /* a replaced file is called "… (deleted)" */
    return strncmp(exe, self, len) == 0 && (exe[len] == '\0' || exe[len] == ' ') &&
           strcmp(strrchr(self, '/') + 1, PROGRAM) == 0;
}

int ork_worker_find_program(char **out, ork_err *err)
{
    const char *given = getenv("ORK_PROGRAM");
    char self[PATH_MAX];

    if (given && *given) {
        if (usable(given, out))
            return 0;
        return ork_err_set(err, ORK_EAGENT, "ORK_PROGRAM names `%s`, which is not a program that can be run", given);
    }
    bool known = ork_where_from(self);
    if (known && is_program(self)) {
        *out = ork_strdup("/proc/self/exe"); /* this very build, also when the file was replaced since */
        return 0;
    }
    if ((known && try_around(self, program_places, PROGRAM, X_OK, out)) || try_path(PROGRAM, out))
        return 0;
    return ork_err_set(err, ORK_EAGENT,
                       "cannot find the program `ork`, in whose workers functions of scripts run (looked around `%s` "
                       "and in PATH); install it, or "
                       "set ORK_PROGRAM to its path",
                       known ? self : "this program");
}

int ork_python_find(const char *name, char **out, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *agent = NULL;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf file = ORK_BUF_INIT;
    static const char *const beside[] = {"", NULL};
    char self[PATH_MAX];
    ork_err none;

    ork_buf_addf(&file, "python/%s", name);
    bool known = ork_where_from(self);
    if ((known && try_around(self, agent_places, file.data, R_OK, out)) ||
        (ork_agent_find_program(&agent, &none) == 0 && try_around(agent, beside, file.data, R_OK, out)))
        return 0;
    return ork_err_set(err, ORK_ENOTFOUND,
                       "cannot find the file %s of Ork, which Python tasks need (looked beside ork-agent and around "
                       "`%s`); it belongs to the package `ork`: install that again",
                       file.data, known ? self : "this program");
}
