// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

bool parse_u64(struct str s, uint64_t *ret) {
    uint64_t value = 0;
    if (s.n == 0) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value)) return false;
    }
    *ret = value;
    return true;
}

bool parse_i64(struct str s, int64_t *ret) {
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t magnitude;
    if (!parse_u64(str_sub(s, negative, s.n), &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool parse_double(struct str s, double *ret) {
    char text[PARSE_DOUBLE_MAX_BYTES + 1];
    if (s.n == 0 || s.n >= sizeof text) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789.eE+-", s.p[i]) || s.p[i] == '\0') return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !isfinite(value)) return false;
    *ret = value;
    return true;
}

bool parse_bool(struct str s, bool *ret) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < LEN(words); i++) {
        if (!str_eq_nocase(s, str_from(words[i]))) continue;
        *ret = i % 2;
        return true;
    }
    return false;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit byte_units[] = {
    {"", 1},          {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10},
    {"KiB", 1 << 10}, {"M", 1 << 20},  {"MB", 1 << 20},  {"MiB", 1 << 20},
    {"G", 1 << 30},   {"GB", 1 << 30}, {"GiB", 1 << 30},
};

static size_t count_while(struct str s, const char *set) {
    size_t n = 0;
    while (n < s.n && s.p[n] && strchr(set, s.p[n])) n++;
    return n;
}

static const struct unit *find_unit(const struct unit *units, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eqz(name, units[i].name)) return &units[i];
    return NULL;
}

// One "1.5h" from the front of `*rest`, added to `*total`.
static bool take_duration(struct str *rest, int64_t *total) {
    size_t digits = count_while(*rest, "0123456789.");
    double amount;
    if (!parse_double(str_sub(*rest, 0, digits), &amount)) return false;
    *rest = str_sub(*rest, digits, rest->n);
    size_t letters = count_while(*rest, "hmsd");
    const struct unit *unit =
        find_unit(duration_units, LEN(duration_units), str_sub(*rest, 0, letters));
    if (!unit) return false;
    double ms = amount * (double)unit->factor + (double)*total;
    if (ms > 1e15) return false;
    *total = (int64_t)ms;
    *rest = str_sub(*rest, letters, rest->n);
    return true;
}

bool parse_duration_ms(struct str s, int64_t *ret) {
    if (str_eq(s, STR("0"))) {
        *ret = 0;
        return true;
    }
    int64_t total = 0;
    if (s.n == 0) return false;
    while (s.n > 0)
        if (!take_duration(&s, &total)) return false;
    *ret = total;
    return true;
}

bool parse_bytes(struct str s, uint64_t *ret) {
    size_t digits = count_while(s, "0123456789");
    uint64_t amount;
    if (!parse_u64(str_sub(s, 0, digits), &amount)) return false;
    const struct unit *unit =
        find_unit(byte_units, LEN(byte_units), str_trim(str_sub(s, digits, s.n)));
    if (!unit) return false;
    return !__builtin_mul_overflow(amount, (uint64_t)unit->factor, ret);
}

int parse_hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
