/* SPDX-License-Identifier: MIT */
/* libcurl on a libuv loop: its sockets are polled, its one timer is a timer of the loop. ork_cloud.so is this file.
 *
 *   send ─► easy handle in the multi ─► sockets, timer ─► curl_multi_socket_action ─► done: callback, freed
 *
 * Laws: a callback comes from `finish_all` alone, which is never called from inside libcurl; what is cancelled is out
 * of the multi before its memory goes; the client's memory goes with the last of its handles. */
#include "cloud/module.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define REDIRECTS 10L
#define CONNECTIONS 64L
#define CONNECT_MS 30000L
#define HEADERS_MAX (256u << 10)

struct text {
    char *data; /* owned */
    size_t len, cap;
};
struct ork_http {
    CURLM *multi;
    uv_timer_t timer;
    ork_http_transfer *transfers; /* owned list */
    unsigned handles;             /* of the loop, open */
    bool closed;
};
struct ork_http_transfer {
    ork_http *http;
    CURL *easy;
    struct curl_slist *headers; /* owned */
    char *body;                 /* owned */
    struct text head, answer;
    size_t max;
    bool too_long;
    char error[CURL_ERROR_SIZE];
    ork_http_cb cb;
    void *data;
    ork_http_transfer *next;
};
struct socket {
    uv_poll_t poll;
    ork_http *http;
    curl_socket_t fd;
};

static bool append(struct text *t, const char *p, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        size_t cap = (t->len + n + 1) * 2;
        char *more = realloc(t->data, cap);
        if (!more)
            return false;
        t->data = more;
        t->cap = cap;
    }
    memcpy(t->data + t->len, p, n);
    t->len += n;
    t->data[t->len] = '\0';
    return true;
}

static int fail(ork_err *err, int code, const char *text)
{
    err->code = code;
    (void)snprintf(err->msg, sizeof err->msg, "%s", text);
    return code;
}

/* ---- ends ------------------------------------------------------------------------------------- */

static void free_transfer(ork_http_transfer *t)
{
    for (ork_http_transfer **p = &t->http->transfers; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            break;
        }
    }
    (void)curl_multi_remove_handle(t->http->multi, t->easy);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t->body);
    free(t->head.data);
    free(t->answer.data);
    free(t);
}

static int code_of(const ork_http_transfer *t, CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return ORK_ETIMEDOUT;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return ORK_EINVAL;
    default:
        return t->too_long ? ORK_ETOOBIG : ORK_EIO;
    }
}

static void finish(ork_http_transfer *t, CURLcode result)
{
    char why[CURL_ERROR_SIZE + 64];
    long status = 0;
    struct ork_http_response r = {.headers = t->head.data ? t->head.data : "",
                                  .headers_len = t->head.len,
                                  .body = t->answer.data ? t->answer.data : "",
                                  .body_len = t->answer.len};

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    r.status = (int)status;
    if (result != CURLE_OK) {
        if (t->too_long)
            (void)snprintf(why, sizeof why, "the answer has more than %zu bytes (max_bytes)", t->max);
        else
            (void)snprintf(why, sizeof why, "%s", t->error[0] ? t->error : curl_easy_strerror(result));
        r.error = why;
        r.code = code_of(t, result);
    }
    ork_http_cb cb = t->cb;
    void *data = t->data;
    struct text head = t->head, answer = t->answer; /* the callback may cancel others, and send again */
    t->head = t->answer = (struct text){0};
    free_transfer(t);
    cb(data, &r);
    free(head.data);
    free(answer.data);
}

static void finish_all(ork_http *h)
{
    CURLMsg *m;
    int left;

    while (!h->closed && (m = curl_multi_info_read(h->multi, &left))) {
        ork_http_transfer *t = NULL;
        CURLcode result = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        h->handles++; /* the callback may close us */
        finish(t, result);
        if (--h->handles == 0) {
            free(h);
            return;
        }
    }
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void handle_closed(ork_http *h)
{
    if (--h->handles == 0)
        free(h);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *s = handle->data;

    handle_closed(s->http);
    free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void act(ork_http *h, curl_socket_t fd, int what)
{
    int running;

    if (h->closed)
        return;
    (void)curl_multi_socket_action(h->multi, fd, what, &running);
    finish_all(h);
}

static void on_timer(uv_timer_t *t)
{
    act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    const struct socket *s = p->data;
    int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

    act(s->http, s->fd, status < 0 ? CURL_CSELECT_ERR : what);
}

static int want_timer(CURLM *multi, long ms, void *data)
{
    ork_http *h = data;

    (void)multi;
    if (h->closed)
        return 0;
    uv_update_time(h->timer.loop);
    if (ms < 0)
        uv_timer_stop(&h->timer);
    else
        uv_timer_start(&h->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *of_socket)
{
    ork_http *h = data;
    struct socket *s = of_socket;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            (void)curl_multi_assign(h->multi, fd, NULL);
            uv_poll_stop(&s->poll);
            uv_close((uv_handle_t *)&s->poll, on_socket_closed);
        }
        return 0;
    }
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s || uv_poll_init_socket(h->timer.loop, &s->poll, fd) < 0) {
            free(s);
            return -1;
        }
        s->poll.data = s;
        s->http = h;
        s->fd = fd;
        h->handles++;
        (void)curl_multi_assign(h->multi, fd, s);
    }
    uv_poll_start(&s->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_poll);
    return 0;
}

/* ---- one request ------------------------------------------------------------------------------ */

static size_t on_head(char *p, size_t size, size_t n, void *data)
{
    ork_http_transfer *t = data;
    size_t len = size * n, keep = len;

    if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) { /* of the next answer: it was redirected, or told to go on */
        t->head.len = t->answer.len = 0;
        return len;
    }
    while (keep && (p[keep - 1] == '\n' || p[keep - 1] == '\r'))
        keep--;
    if (keep == 0)
        return len;
    return t->head.len + keep < HEADERS_MAX && append(&t->head, p, keep) && append(&t->head, "\n", 1) ? len : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *data)
{
    ork_http_transfer *t = data;
    size_t len = size * n;

    t->too_long = len > t->max - t->answer.len;
    return !t->too_long && append(&t->answer, p, len) ? len : 0;
}

static bool add_headers(ork_http_transfer *t, const struct ork_http_request *r)
{
    bool typed = false;

    for (size_t i = 0; r->headers && r->headers[i]; i++) {
        struct curl_slist *more = curl_slist_append(t->headers, r->headers[i]);
        if (!more)
            return false;
        t->headers = more;
        typed |= strncasecmp(r->headers[i], "content-type:", 13) == 0;
    }
    const char *const not_curls[] = {"Expect:", typed ? NULL : "Content-Type:"};
    for (size_t i = 0; i < 2 && not_curls[i]; i++) {
        struct curl_slist *more = curl_slist_append(t->headers, not_curls[i]);
        if (!more)
            return false;
        t->headers = more;
    }
    return true;
}

static void set_options(ork_http_transfer *t, const struct ork_http_request *r)
{
    CURL *c = t->easy;

    (void)curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(c, CURLOPT_MAXREDIRS, REDIRECTS);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "ork/" ORK_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (t->body) {
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body);
    }
    if (strcmp(r->method, "HEAD") == 0)
        (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (strcmp(r->method, t->body ? "POST" : "GET") != 0)
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static int send_request(ork_http *h, const struct ork_http_request *r, ork_http_cb cb, void *data,
                        ork_http_transfer **out, ork_err *err)
{
    ork_http_transfer *t = calloc(1, sizeof *t);
    bool body = r->body || strcmp(r->method, "POST") == 0;

    if (!t || !(t->easy = curl_easy_init())) {
        free(t);
        return fail(err, ORK_EIO, "not enough memory");
    }
    t->http = h;
    t->max = r->max_bytes;
    t->cb = cb;
    t->data = data;
    t->next = h->transfers;
    h->transfers = t;
    if (body && (t->body = malloc(r->body_len + 1)))
        memcpy(t->body, r->body ? r->body : "", r->body_len);
    if ((body && !t->body) || !add_headers(t, r)) {
        free_transfer(t);
        return fail(err, ORK_EIO, "not enough memory");
    }
    set_options(t, r);
    CURLMcode rc = curl_multi_add_handle(h->multi, t->easy);
    if (rc != CURLM_OK) {
        free_transfer(t);
        return fail(err, ORK_EIO, curl_multi_strerror(rc));
    }
    *out = t;
    return 0;
}

/* ---- the client ------------------------------------------------------------------------------- */

static int open_client(uv_loop_t *loop, ork_http **out, ork_err *err)
{
    static bool ready;
    ork_http *h = calloc(1, sizeof *h);

    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return fail(err, ORK_EENV, "libcurl cannot be used");
    }
    ready = true;
    if (!h || !(h->multi = curl_multi_init())) {
        free(h);
        return fail(err, ORK_EIO, "not enough memory");
    }
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    h->handles = 1;
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS);
    *out = h;
    return 0;
}

static void close_client(ork_http *h)
{
    while (h->transfers)
        free_transfer(h->transfers);
    h->closed = true;
    (void)curl_multi_cleanup(h->multi);
    uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

static const struct ork_http_ops http = {
    .open = open_client, .close = close_client, .send = send_request, .cancel = free_transfer};

ORK_API extern const struct ork_cloud_module ork_cloud_module_info;
const struct ork_cloud_module ork_cloud_module_info = {.version = ORK_VERSION, .http = &http};
