/* SPDX-License-Identifier: MIT */
/* Backends that link a heavy library are modules, opened when a URL asks for one. A module is of the same build: it
 * says so (its version), and one of another is refused, because what it knows of our structures may be wrong. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/module.h"
#include "store/ops.h"
#include <dlfcn.h>
#include <string.h>

static int refuse(const char *name, const char *path, const char *why, ork_err *err)
{
    if (!path)
        return ork_err_set(err, ORK_EENV,
                           "databases of PostgreSQL need the module %s.so, which is not installed (it was looked for "
                           "beside this program and in its libexec/ork): install the package `ork` again, or build it "
                           "where `libpq-dev` is installed",
                           name);
    return ork_err_set(err, ORK_EENV, "the module %s cannot be opened: %s. It needs the package `libpq5`", path, why);
}

int ork_store_module(const char *name, const struct ork_store_ops **out, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_module_find(name);
    if (!path)
        return refuse(name, NULL, NULL, err);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return refuse(name, path, dlerror(), err);
    const struct ork_store_module *m = dlsym(library, "ork_store_module_info");
    if (!m || strcmp(m->version, ork_version()) != 0)
        return ork_err_set(err, ORK_EENV,
                           "the module %s is of another version of Ork (%s, this is %s): install them together", path,
                           m ? m->version : "unknown", ork_version());
    *out = m->ops;
    return 0;
}
