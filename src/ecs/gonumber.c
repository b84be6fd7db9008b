// SPDX-License-Identifier: Apache-2.0
// What has at most 15 digits comes back from a float64 as it was, so that it need not become one:
// all that an event holds as a rule. The rest is read as a float64 and printed with ever more
// digits until they read as the same one.
#include "ecs/gonumber-internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/parse.h"

enum {
    // No float64, nor the middle between two of them, has more digits than 767; one more tells
    // whether something follows.
    DIGITS_MAX = 768,
    SAFE_DIGITS = 15,
    SAFE_EXPONENT = 300, // far from where float64 loses digits
    SHORTEST_MAX = 17,
    EXPONENT_LIMIT = 1000000000, // far beyond every float64
};

// 0.d1d2d3... * 10^exponent, without a zero at either end.
struct decimal {
    bool negative;
    bool more; // digits other than zero were left out
    size_t n;  // 0: zero
    int64_t exponent;
    char digits[DIGITS_MAX];
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void take_digit(struct decimal *d, char c, bool fraction) {
    bool leading_zero = d->n == 0 && c == '0';
    if (!fraction && !leading_zero) d->exponent++;
    if (fraction && leading_zero) d->exponent--;
    if (leading_zero) return;
    if (d->n < DIGITS_MAX) d->digits[d->n++] = c;
    else if (c != '0') d->more = true;
}

static int64_t read_exponent(struct str text) {
    bool negative = text.n > 0 && text.p[0] == '-';
    int64_t value = 0;
    for (size_t i = negative || (text.n > 0 && text.p[0] == '+'); i < text.n; i++)
        if (value < EXPONENT_LIMIT) value = value * 10 + (text.p[i] - '0');
    return negative ? -value : value;
}

static void cut_zeros(struct decimal *d) {
    while (d->n > 0 && d->digits[d->n - 1] == '0') d->n--;
}

static void read_decimal(struct decimal *d, struct str text) {
    bool fraction = false;
    size_t i = 0;
    d->negative = text.p[0] == '-';
    d->more = false;
    d->n = 0;
    d->exponent = 0;
    for (i = d->negative; i < text.n && (is_digit(text.p[i]) || text.p[i] == '.'); i++) {
        if (text.p[i] == '.') fraction = true;
        else take_digit(d, text.p[i], fraction);
    }
    d->exponent += read_exponent(str_sub(text, i + 1, text.n));
    if (!d->more) cut_zeros(d);
}

// Of the digits that were left out it only matters that there are some.
static bool double_of(const struct decimal *d, double *ret) {
    char text[DIGITS_MAX + 64];
    int64_t exponent = d->exponent;
    if (exponent > EXPONENT_LIMIT) exponent = EXPONENT_LIMIT;
    if (exponent < -EXPONENT_LIMIT) exponent = -EXPONENT_LIMIT;
    int n = snprintf(text, sizeof text, "0.%.*s%se%lld", (int)d->n, d->digits, d->more ? "1" : "",
                     (long long)exponent);
    return n > 0 && parse_double((struct str){text, (size_t)n}, ret);
}

// Rounded to `precision` digits.
static void round_double(struct decimal *d, double value, size_t precision) {
    char text[64];
    int n = snprintf(text, sizeof text, "%.*e", (int)precision - 1, value);
    read_decimal(d, (struct str){text, (size_t)n});
}

// One more in the last of `precision` digits.
static void step_up(struct decimal *d, size_t precision) {
    while (d->n < precision) d->digits[d->n++] = '0';
    while (d->n > 0 && d->digits[d->n - 1] == '9') d->n--;
    if (d->n > 0) {
        d->digits[d->n - 1]++;
        return;
    }
    d->digits[d->n++] = '1';
    d->exponent++;
}

static bool reads_as(const struct decimal *d, double value) {
    double read;
    return double_of(d, &read) && !(read < value) && !(read > value);
}

// Below a power of two the floats lie closer together than above it, so that of two decimals with
// so many digits it may be the farther one that reads as the same.
static void find_shortest(struct decimal *d, double value) {
    int exponent;
    bool lopsided = frexp(value, &exponent) <= 0.5;
    for (size_t n = value < DBL_MIN ? 1 : SAFE_DIGITS; n <= SHORTEST_MAX; n++) {
        round_double(d, value, n);
        if (reads_as(d, value)) return;
        if (!lopsided) continue;
        step_up(d, n);
        if (reads_as(d, value)) return;
    }
}

// False: too large.
static bool through_double(struct decimal *d) {
    double value;
    bool negative = d->negative;
    if (!double_of(d, &value)) return false;
    if (value > 0) find_shortest(d, value);
    else d->n = 0;
    d->negative = negative;
    return true;
}

static void add_zeros(struct buf *out, int64_t n) {
    for (int64_t i = 0; i < n; i++) buf_addc(out, '0');
}

static void add_scientific(struct buf *out, const struct decimal *d) {
    buf_addc(out, d->digits[0]);
    if (d->n > 1) buf_addc(out, '.');
    buf_add(out, d->digits + 1, d->n - 1);
    buf_addz(out, d->exponent > 0 ? "e+" : "e");
    buf_add_i64(out, d->exponent - 1);
}

static void add_plain(struct buf *out, const struct decimal *d) {
    size_t whole = d->exponent > 0 ? (size_t)d->exponent : 0;
    if (whole == 0) buf_addz(out, "0");
    buf_add(out, d->digits, whole < d->n ? whole : d->n);
    if (whole >= d->n) {
        add_zeros(out, (int64_t)(whole - d->n));
        return;
    }
    buf_addc(out, '.');
    add_zeros(out, -d->exponent);
    buf_add(out, d->digits + whole, d->n - whole);
}

static void add_decimal(struct buf *out, const struct decimal *d) {
    if (d->negative) buf_addc(out, '-');
    if (d->n == 0) buf_addc(out, '0');
    else if (d->exponent < -5 || d->exponent > 21) add_scientific(out, d);
    else add_plain(out, d);
}

bool ecs_gonumber_add(struct buf *out, struct str text) {
    struct decimal d;
    read_decimal(&d, text);
    bool safe = d.n <= SAFE_DIGITS && d.exponent > -SAFE_EXPONENT && d.exponent < SAFE_EXPONENT;
    if (d.n > 0 && !safe && !through_double(&d)) return false;
    add_decimal(out, &d);
    return true;
}
