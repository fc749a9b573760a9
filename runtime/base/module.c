/* SPDX-License-Identifier: MIT */
#include "base/module.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/where.h"
#include <unistd.h>

char *ork_module_find(const char *name)
{
    static const char *const places[] = {
        "",      "../libexec/ork/", "../../../../libexec/ork/", "../../../../../libexec/ork/", "../lib/lua/5.4/ork/",
        "../../"};
    char self[PATH_MAX];
    if (!ork_where_from(self))
        return NULL;
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_dirname(self);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct ork_buf path = ORK_BUF_INIT;
        ork_buf_addf(&path, "%s/%s%s.so", dir, places[i], name);
        if (access(path.data, R_OK) == 0)
            return ork_buf_steal(&path, NULL);
        ork_buf_fini(&path);
    }
    return NULL;
}
