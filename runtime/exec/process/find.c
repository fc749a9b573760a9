/* SPDX-License-Identifier: MIT */
/* Where ork-agent is. The program and the Lua module may be installed by a package, by LuaRocks, or run from the folder
 * they were built in, so the agent is looked for around the file this code was loaded from. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "exec/process/agent.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "ork-agent"

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
    static const char *const places[] = {"", "../libexec/ork/", "../../" /* lib/ork/core.so in a build folder */,
                                         "../../../../libexec/ork/" /* lib/lua/5.4/ork/core.so */};
    char full[PATH_MAX];
    ORK_CLEANUP(ork_free_cleanup) char *dir = NULL;

    if (!realpath(file, full))
        return false;
    dir = ork_path_dirname(full);
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
    Dl_info here;

    if (given && *given) {
        if (usable(given, out))
            return 0;
        return ork_err_set(err, ORK_EAGENT, "ORK_AGENT names `%s`, which is not a program that can be run", given);
    }
    if (dladdr((void *)ork_agent_find_program, &here) && here.dli_fname && try_around(here.dli_fname, out))
        return 0;
    if (try_around("/proc/self/exe", out) || usable("/usr/libexec/ork/" NAME, out) || try_path(out))
        return 0;
    return ork_err_set(
        err, ORK_EAGENT,
        "cannot find the program `" NAME
        "`, which starts the processes of tasks (looked beside `%s`, in ../libexec/ork, /usr/libexec/ork "
        "and PATH); it belongs to the package `ork`: install that again, or set ORK_AGENT to its path",
        dladdr((void *)ork_agent_find_program, &here) && here.dli_fname ? here.dli_fname : "this program");
}
