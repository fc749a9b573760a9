/* SPDX-License-Identifier: MIT */
#include "store/lib_proxy.h"
#include "store/lib_store.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 32
static const char commit[] = "\0commit"; /* in a Bind: portal, then the statement's name, both with their NULs */

struct pair {
    int client, server; /* -1: free */
    bool doomed;        /* the COMMIT has passed: what the server answers is lost */
};
struct proxy {
    int listener, port, to_port, wake;
    atomic_int mode, cuts, cut_all;
    atomic_bool stop;
    pthread_t thread;
    struct pair pairs[PAIRS];
};

static int connect_to(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void end(struct pair *p)
{
    (void)close(p->client);
    (void)close(p->server);
    p->client = p->server = -1;
}

static void accept_one(struct proxy *x)
{
    int fd = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC), mode = atomic_load(&x->mode), one = 1;
    struct pair *free_pair = NULL;
    for (int i = 0; i < PAIRS; i++)
        if (x->pairs[i].client < 0)
            free_pair = &x->pairs[i];
    int to = mode == PROXY_REFUSE || !free_pair ? -1 : connect_to(x->to_port);
    if (to < 0) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *free_pair = (struct pair){fd, to, false};
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static void once(struct proxy *x, int next)
{
    atomic_store(&x->mode, next);
    atomic_fetch_add(&x->cuts, 1);
}

static void from_client(struct proxy *x, struct pair *p)
{
    static char data[1 << 20];
    ssize_t n = recv(p->client, data, sizeof data, 0);
    int mode = atomic_load(&x->mode);
    char *at = n > 0 ? memmem(data, (size_t)n, commit, sizeof commit) : NULL;
    if (n <= 0) {
        end(p);
        return;
    }
    if (at && mode == PROXY_CUT_BEFORE_COMMIT) {
        once(x, PROXY_PASS);
        (void)send_all(p->server, data, (size_t)(at - data));
        end(p);
        return;
    }
    if (at && mode == PROXY_CUT_AFTER_COMMIT)
        once(x, PROXY_PASS);
    else if (at && mode == PROXY_CUT_AFTER_THEN_REFUSE)
        once(x, PROXY_REFUSE);
    p->doomed = p->doomed || (at && mode != PROXY_PASS && mode != PROXY_HOLD);
    if (!send_all(p->server, data, (size_t)n))
        end(p);
}

static void from_server(struct pair *p)
{
    static char data[1 << 20];
    ssize_t n = recv(p->server, data, sizeof data, 0);
    if (n <= 0 || p->doomed || !send_all(p->client, data, (size_t)n))
        end(p);
}

static void *run(void *data)
{
    struct proxy *x = data;
    while (!atomic_load(&x->stop)) {
        struct pollfd fds[2 + 2 * PAIRS] = {{x->wake, POLLIN, 0}, {x->listener, POLLIN, 0}};
        bool hold = atomic_load(&x->mode) == PROXY_HOLD;
        for (int i = 0; i < PAIRS; i++) {
            fds[2 + 2 * i] = (struct pollfd){hold ? -1 : x->pairs[i].client, POLLIN, 0};
            fds[3 + 2 * i] = (struct pollfd){hold ? -1 : x->pairs[i].server, POLLIN, 0};
        }
        if (poll(fds, 2 + 2 * PAIRS, -1) < 0)
            continue;
        uint64_t count;
        if (fds[0].revents && read(x->wake, &count, sizeof count) < 0)
            continue;
        if (atomic_exchange(&x->cut_all, 0))
            for (int i = 0; i < PAIRS; i++)
                if (x->pairs[i].client >= 0)
                    end(&x->pairs[i]);
        for (int i = 0; i < PAIRS; i++) {
            if (x->pairs[i].client >= 0 && fds[2 + 2 * i].revents && fds[2 + 2 * i].fd == x->pairs[i].client)
                from_client(x, &x->pairs[i]);
            if (x->pairs[i].client >= 0 && fds[3 + 2 * i].revents && fds[3 + 2 * i].fd == x->pairs[i].server)
                from_server(&x->pairs[i]);
        }
        if (fds[1].revents)
            accept_one(x);
    }
    return NULL;
}

static void wake(struct proxy *x)
{
    uint64_t one = 1;
    assert_int_equal(write(x->wake, &one, sizeof one), sizeof one);
}

struct proxy *proxy_start(int to_port)
{
    struct proxy *x = ork_zalloc(sizeof *x);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    for (int i = 0; i < PAIRS; i++)
        x->pairs[i].client = x->pairs[i].server = -1;
    x->to_port = to_port;
    x->wake = eventfd(0, EFD_CLOEXEC);
    x->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(x->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(x->listener, 16), 0);
    assert_int_equal(getsockname(x->listener, (struct sockaddr *)&a, &n), 0);
    x->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&x->thread, NULL, run, x), 0);
    return x;
}

int proxy_port(const struct proxy *p)
{
    return p->port;
}

void proxy_set(struct proxy *p, enum proxy_mode mode)
{
    atomic_store(&p->mode, mode);
    wake(p);
}

void proxy_cut(struct proxy *p)
{
    atomic_store(&p->cut_all, 1);
    wake(p);
}

int proxy_cuts(struct proxy *p)
{
    return atomic_load(&p->cuts);
}

char *proxy_url(const struct proxy *p, const char *url)
{
    struct ork_buf b = ORK_BUF_INIT;
    const char *at = strrchr(url, '@'), *db = strrchr(url, '/');
    ork_buf_add(&b, url, (size_t)(at - url));
    ork_buf_addf(&b, "@127.0.0.1:%d%s", p->port, db);
    return ork_buf_steal(&b, NULL);
}

void proxy_stop(struct proxy *p)
{
    atomic_store(&p->stop, true);
    wake(p);
    (void)pthread_join(p->thread, NULL);
    for (int i = 0; i < PAIRS; i++)
        if (p->pairs[i].client >= 0)
            end(&p->pairs[i]);
    (void)close(p->listener);
    (void)close(p->wake);
    ork_free(p);
}
