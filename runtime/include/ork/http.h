/* SPDX-License-Identifier: MIT */
/* HTTP requests on a libuv loop, by libcurl. What does it is a module (ork_cloud.so) that is opened with the first
 * client, so that a program that makes none never loads libcurl.
 *
 * All on the loop's thread. Each request ends once: its callback comes from the loop, never from inside ork_http_send,
 * and not at all when it was cancelled or its client was closed before. Only http and https, also when redirected (at
 * most 10 times); certificates are checked. */
#ifndef ORK_HTTP_H
#define ORK_HTTP_H
#include <ork/ork.h>

struct uv_loop_s;
typedef struct ork_http ork_http;
typedef struct ork_http_transfer ork_http_transfer;

struct ork_http_request { /* borrowed for the call */
    const char *method;   /* "GET" */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL none */
    const char *body;           /* NULL none */
    size_t body_len;
    int64_t timeout_ms; /* of all of it, > 0 */
    size_t max_bytes;   /* of the body of the answer, > 0 */
};
struct ork_http_response { /* borrowed for the callback */
    const char *error;     /* there was no answer, and why; NULL: there was one */
    int code;              /* then: ORK_ETIMEDOUT, ORK_ETOOBIG, ORK_EINVAL (the URL), ORK_EIO */
    int status;            /* 200 */
    const char *headers;   /* lines "Name: value\n" of the last answer */
    const char *body;
    size_t headers_len, body_len;
};
typedef void (*ork_http_cb)(void *data, const struct ork_http_response *r);

/* EENV: the module or libcurl is not installed. */
ORK_API int ork_http_open(struct uv_loop_s *loop, ork_http **out, ork_err *err) ORK_MUSTCHECK;
ORK_API void ork_http_close(ork_http *h); /* NULL is fine. Its memory goes when the loop has turned */
ORK_API int ork_http_send(ork_http *h, const struct ork_http_request *r, ork_http_cb cb, void *data,
                          ork_http_transfer **out, ork_err *err) ORK_MUSTCHECK;
ORK_API void ork_http_cancel(ork_http_transfer *t);
#endif
