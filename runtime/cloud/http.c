/* SPDX-License-Identifier: MIT */
/* The door to ork_cloud.so: found as the other modules are, opened once. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/module.h"
#include "cloud/module.h"
#include <dlfcn.h>
#include <string.h>

static const struct ork_http_ops *ops; /* once it is open */

static int load(ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_module_find("ork_cloud");

    if (!path)
        return ork_err_set(err, ORK_EENV,
                           "HTTP needs the module ork_cloud.so, which is not installed (it was looked for beside this "
                           "program and in its libexec/ork): install the package `ork` again, or build it where "
                           "`libcurl4-openssl-dev` is installed");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ork_err_set(err, ORK_EENV, "the module %s cannot be opened: %s. It needs the package `libcurl4`", path,
                           dlerror());
    const struct ork_cloud_module *m = dlsym(library, ORK_CLOUD_SYMBOL);
    if (!m || strcmp(m->version, ork_version()) != 0)
        return ork_err_set(err, ORK_EENV,
                           "the module %s is of another version of Ork (%s, this is %s): install them together", path,
                           m ? m->version : "unknown", ork_version());
    ops = m->http;
    return 0;
}

int ork_http_open(struct uv_loop_s *loop, ork_http **out, ork_err *err)
{
    int rc = ops ? 0 : load(err);

    return rc ? rc : ops->open(loop, out, err);
}

void ork_http_close(ork_http *h)
{
    if (h)
        ops->close(h);
}

int ork_http_send(ork_http *h, const struct ork_http_request *r, ork_http_cb cb, void *data, ork_http_transfer **out,
                  ork_err *err)
{
    return ops->send(h, r, cb, data, out, err);
}

void ork_http_cancel(ork_http_transfer *t)
{
    ops->cancel(t);
}
