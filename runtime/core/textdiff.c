/* SPDX-License-Identifier: MIT */
/* Myers' greedy search for the shortest edit (An O(ND) Difference Algorithm, 1986): for d = 0, 1, 2 … the farthest
 * place in a that d changes can reach on each diagonal. The frontier of every d is kept, to walk back along the path
 * that arrived first. d is bounded, so memory is too: 4 bytes × d². Equal lines at both ends are cut off before. */
#include "core/textdiff.h"
#include "base/alloc.h"
#include <string.h>

#define MOST_CHANGES 1000
#define CONTEXT 3

struct line {
    const char *p;
    uint32_t n, hash;
};
struct lines {
    struct line *items; /* owned; of borrowed text */
    size_t n, cap;
};

static void split(const char *text, struct lines *out)
{
    const char *p = text ? text : "";
    while (*p) {
        size_t n = strcspn(p, "\n");
        ork_grow((void **)&out->items, &out->cap, out->n + 1, sizeof *out->items);
        struct line *l = &out->items[out->n++];
        *l = (struct line){p, (uint32_t)n, 2166136261u};
        for (size_t i = 0; i < n; i++)
            l->hash = (l->hash ^ (uint8_t)p[i]) * 16777619u;
        p += n + (p[n] == '\n');
    }
}

static bool same(const struct line *x, const struct line *y)
{
    return x->hash == y->hash && x->n == y->n && memcmp(x->p, y->p, x->n) == 0;
}

/* gone[i]: line i of a is taken out; come[j]: line j of b is put in. */
struct edit {
    bool *gone, *come;
};

struct search {
    const struct line *a, *b;
    int n, m;
    int *v[MOST_CHANGES + 1]; /* v[d][k + d]: after d changes, how far in a on diagonal k = x - y */
};

static int farthest(const struct search *s, int d, int k)
{
    const int *before = s->v[d - 1] + (d - 1);
    bool down = k == -d || (k != d && before[k - 1] < before[k + 1]); /* a line of b is put in */
    return down ? before[k + 1] : before[k - 1] + 1;
}

/* The number of changes, or -1: more than the bound. */
static int forward(struct search *s)
{
    for (int d = 0; d <= MOST_CHANGES; d++) {
        s->v[d] = ork_alloc((size_t)(2 * d + 1) * sizeof(int));
        for (int k = -d; k <= d; k++) {
            int x = (k + d) % 2 ? -1 : d == 0 ? 0 : farthest(s, d, k);
            if (x < 0) {
                s->v[d][k + d] = -1;
                continue;
            }
            while (x < s->n && x - k < s->m && x - k >= 0 && same(&s->a[x], &s->b[x - k]))
                x++;
            s->v[d][k + d] = x;
            if (k == s->n - s->m && x >= s->n)
                return d;
        }
    }
    return -1;
}

static void walk_back(struct search *s, int d, bool *gone, bool *come)
{
    int x = s->n, y = s->m;
    for (; d > 0; d--) {
        int k = x - y;
        const int *before = s->v[d - 1] + (d - 1);
        bool down = k == -d || (k != d && before[k - 1] < before[k + 1]);
        int from = down ? before[k + 1] : before[k - 1], from_y = from - (down ? k + 1 : k - 1);
        if (down)
            come[from_y] = true;
        else
            gone[from] = true;
        x = from;
        y = from_y;
    }
}

static void find(const struct lines *a, const struct lines *b, struct edit *e)
{
    size_t head = 0, tail = 0;
    while (head < a->n && head < b->n && same(&a->items[head], &b->items[head]))
        head++;
    while (tail < a->n - head && tail < b->n - head && same(&a->items[a->n - 1 - tail], &b->items[b->n - 1 - tail]))
        tail++;
    struct search s = {
        .a = a->items + head, .b = b->items + head, .n = (int)(a->n - head - tail), .m = (int)(b->n - head - tail)};
    int d = forward(&s);
    if (d >= 0) {
        walk_back(&s, d, e->gone + head, e->come + head);
    } else {
        memset(e->gone + head, true, (size_t)s.n);
        memset(e->come + head, true, (size_t)s.m);
    }
    for (int i = 0; i <= MOST_CHANGES; i++)
        ork_free(s.v[i]);
}

static void put(struct ork_buf *out, char mark, const struct line *l)
{
    ork_buf_addc(out, mark);
    ork_buf_add(out, l->p, l->n);
    ork_buf_addc(out, '\n');
}

/* One hunk: from (i, j) on to where CONTEXT equal lines follow the last change and no other change is near. */
static void hunk(const struct lines *a, const struct lines *b, const struct edit *e, size_t *pi, size_t *pj,
                 struct ork_buf *out)
{
    size_t i = *pi, j = *pj, equal = 0, from_i = i, from_j = j;
    struct ork_buf body = ORK_BUF_INIT;
    for (size_t back = 0; back < CONTEXT && from_i > 0 && from_j > 0; back++) {
        from_i--;
        from_j--;
    }
    for (size_t k = from_i; k < i; k++)
        put(&body, ' ', &a->items[k]);
    size_t kept = body.len;
    size_t end_i = i, end_j = j;
    while ((i < a->n || j < b->n) && equal <= 2 * CONTEXT) {
        if (i < a->n && e->gone[i]) {
            put(&body, '-', &a->items[i++]);
            equal = 0;
        } else if (j < b->n && e->come[j]) {
            put(&body, '+', &b->items[j++]);
            equal = 0;
        } else {
            put(&body, ' ', &a->items[i++]);
            j++;
            equal++;
        }
        if (equal <= CONTEXT) {
            kept = body.len;
            end_i = i;
            end_j = j;
        }
    }
    size_t len_i = end_i - from_i, len_j = end_j - from_j;
    ork_buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", from_i + (len_i > 0), len_i, from_j + (len_j > 0), len_j);
    ork_buf_add(out, body.data, kept);
    ork_buf_fini(&body);
    *pi = end_i;
    *pj = end_j;
}

void ork_text_diff(const char *a_text, const char *b_text, struct ork_buf *out)
{
    struct lines a = {0}, b = {0};
    split(a_text, &a);
    split(b_text, &b);
    struct edit e = {ork_zalloc(a.n + 1), ork_zalloc(b.n + 1)};
    find(&a, &b, &e);
    for (size_t i = 0, j = 0; i < a.n || j < b.n;) {
        if ((i < a.n && e.gone[i]) || (j < b.n && e.come[j])) {
            hunk(&a, &b, &e, &i, &j, out);
        } else {
            i++;
            j++;
        }
    }
    ork_free(e.gone);
    ork_free(e.come);
    ork_free(a.items);
    ork_free(b.items);
}
