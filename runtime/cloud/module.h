/* SPDX-License-Identifier: MIT */
/* What ork_cloud.so gives. It is of the same build, and says so by its version: the structures have no other. */
#ifndef ORK_CLOUD_MODULE_H
#define ORK_CLOUD_MODULE_H
#include <ork/http.h>

struct ork_http_ops {
    int (*open)(struct uv_loop_s *loop, ork_http **out, ork_err *err);
    void (*close)(ork_http *h);
    int (*send)(ork_http *h, const struct ork_http_request *r, ork_http_cb cb, void *data, ork_http_transfer **out,
                ork_err *err);
    void (*cancel)(ork_http_transfer *t);
};
struct ork_cloud_module {
    const char *version;
    const struct ork_http_ops *http;
};
#define ORK_CLOUD_SYMBOL "ork_cloud_module_info"
#endif
