/* SPDX-License-Identifier: MIT */
/* Floats in canonical form: the fewest digits that read back as the same double, with a point, without exponent.
 *
 * Most floats of users have few decimals: they are found exactly as m / 10^k (m and 10^k exact, one rounding), and a
 * decimal of at most 15 digits that reads back is the only one and so the shortest. The others go through the C library
 * with 15, 16 and 17 digits; subnormal ones, which carry less precision, from 1 digit on. */
#include "base/err.h"
#include "base/json.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUICK_DECIMALS 6
#define DIGITS 17

struct decimal {
    char digits[DIGITS + 1]; /* value = 0.d1d2d3… × 10^point, no trailing zeros */
    int len, point;
};

/* Decimal text of m, no sign. */
static char *put_uint(char *end, uint64_t m)
{
    do
        *--end = (char)('0' + m % 10);
    while (m /= 10);
    return end;
}

/* v = m / 10^k, v > 0; false when it has more decimals or digits than are tried. */
static bool quick(double v, struct decimal *d)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    if (v >= 1e15 || v < 1e-6)
        return false;
    for (int k = 0; k <= QUICK_DECIMALS; k++) {
        double scaled = v * powers[k];
        if (scaled >= 1e15)
            return false;
        uint64_t m = (uint64_t)(scaled + 0.5);
        if ((double)m / powers[k] != v)
            continue;
        char text[24], *end = text + sizeof text, *start = put_uint(end, m);
        d->len = (int)(end - start);
        d->point = d->len - k;
        while (d->len > 1 && start[d->len - 1] == '0')
            d->len--;
        memcpy(d->digits, start, (size_t)d->len);
        return true;
    }
    return false;
}

static double read_back(const struct decimal *d)
{
    char text[DIGITS + 16];
    snprintf(text, sizeof text, "%.*se%d", d->len, d->digits, d->point - d->len);
    return strtod(text, NULL);
}

/* The nearest decimal of v with n digits. The text is "d.ddde±x" with whatever point the locale has. */
static void nearest(double v, int n, struct decimal *d)
{
    char text[48];
    snprintf(text, sizeof text, "%.*e", n - 1, v);
    d->len = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            d->digits[d->len++] = *p;
    d->point = atoi(p + 1) + 1;
}

/* The next decimal above with as many digits. */
static void step_up(struct decimal *d)
{
    int i = d->len - 1;
    while (i >= 0 && d->digits[i] == '9')
        d->digits[i--] = '0';
    if (i >= 0) {
        d->digits[i]++;
    } else {
        d->digits[0] = '1';
        d->point++;
    }
}

static void shortest(double v, struct decimal *d)
{
    int exponent;
    bool power_of_two = frexp(v, &exponent) == 0.5;
    for (int n = v < DBL_MIN ? 1 : 15; n <= DIGITS; n++) {
        nearest(v, n, d);
        if (n == DIGITS || read_back(d) == v)
            break;
        if (power_of_two) { /* its neighbour above is twice as far as the one below: one more decimal may read back */
            step_up(d);
            if (read_back(d) == v)
                break;
        }
    }
    while (d->len > 1 && d->digits[d->len - 1] == '0')
        d->len--;
}

static void add_zeros(struct ork_buf *out, int n)
{
    if (n > 0) {
        memset(ork_buf_reserve(out, (size_t)n), '0', (size_t)n);
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}

int ork_json_write_real(double v, struct ork_buf *out, ork_err *err)
{
    if (!isfinite(v))
        return ork_err_set(err, ORK_EJSON, "JSON has no %s", isnan(v) ? "NaN" : "infinite numbers");
    if (v == 0) {
        ork_buf_add(out, "0.0", 3);
        return 0;
    }
    struct decimal d;
    if (v < 0)
        ork_buf_addc(out, '-');
    if (!quick(fabs(v), &d))
        shortest(fabs(v), &d);
    if (d.point <= 0) {
        ork_buf_add(out, "0.", 2);
        add_zeros(out, -d.point);
        ork_buf_add(out, d.digits, (size_t)d.len);
    } else if (d.point >= d.len) {
        ork_buf_add(out, d.digits, (size_t)d.len);
        add_zeros(out, d.point - d.len);
        ork_buf_add(out, ".0", 2);
    } else {
        ork_buf_add(out, d.digits, (size_t)d.point);
        ork_buf_addc(out, '.');
        ork_buf_add(out, d.digits + d.point, (size_t)(d.len - d.point));
    }
    return 0;
}
