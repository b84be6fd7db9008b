// SPDX-License-Identifier: Apache-2.0
#include "sim/args.h"

#include <errno.h>

void args_fini(struct args *a) { buf_fini(&a->bytes); }

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool args_decode(struct buf *out, struct str s, bool plus_is_blank) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            buf_addc(out, s.p[i] == '+' && plus_is_blank ? ' ' : s.p[i]);
            continue;
        }
        int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low < 0) return false;
        buf_addc(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}

static int add(struct args *a, struct str pair) {
    if (a->n == ARGS_MAX) return ARGS_E_BAD;
    struct str value = pair;
    struct str name = str_split(&value, '=');
    struct arg *arg = &a->each[a->n];
    arg->name = a->bytes.n;
    if (!args_decode(&a->bytes, name, true)) return ARGS_E_BAD;
    arg->name_n = a->bytes.n - arg->name;
    arg->value = a->bytes.n;
    if (value.p && !args_decode(&a->bytes, value, true)) return ARGS_E_BAD;
    arg->value_n = a->bytes.n - arg->value;
    a->n++;
    return 0;
}

int args_parse(struct args *ret, struct str query) {
    AUTO_FINI(args) struct args a = {.bytes = buf_make(query.n + 1)};
    if (!buf_reserve(&a.bytes, query.n + 1)) return a.bytes.error;
    while (query.p) {
        struct str pair = str_split(&query, '&');
        int e = pair.n ? add(&a, pair) : 0;
        if (e) return e;
    }
    if (a.bytes.error) return a.bytes.error;
    *ret = a;
    a.bytes = buf_make(0);
    return 0;
}

static struct str name_of(const struct args *a, size_t i) {
    return (struct str){a->bytes.p + a->each[i].name, a->each[i].name_n};
}

struct str args_get(const struct args *a, const char *name) {
    for (size_t i = 0; i < a->n; i++)
        if (str_eqz(name_of(a, i), name))
            return (struct str){a->bytes.p + a->each[i].value, a->each[i].value_n};
    return STR_NONE;
}

bool args_repeat(const struct args *a) {
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(name_of(a, i), name_of(a, k))) return true;
    return false;
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '*';
}

void args_encode(struct buf *out, struct str value) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c == ' ') {
            buf_addc(out, '+');
        } else if (is_plain((char)c)) {
            buf_addc(out, (char)c);
        } else {
            buf_addc(out, '%');
            buf_addc(out, hex[c >> 4]);
            buf_addc(out, hex[c & 15]);
        }
    }
}
