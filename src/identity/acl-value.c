// SPDX-License-Identifier: Apache-2.0
// Values of parameters: as policies say them, and as requests send them.
#include "identity/acl-internal.h"

#include "base/parse.h"
#include "json/write.h"

// "ab*", "*ab", "*ab*"; a star alone is no pattern but itself, as on the real server.
static bool text_matches(struct str want, struct str have) {
    bool before = want.n > 1 && want.p[0] == '*', behind = want.n > 1 && str_ends(want, STR("*"));
    struct str core = str_sub(want, before, want.n - behind);
    if (before && behind) return core.n == 0 || str_find(have, core) < have.n;
    if (before) return str_ends(have, core);
    if (behind) return str_starts(have, core);
    return str_eq(want, have);
}

// HCL's 0x1F and 017 too.
static bool integer_of(struct str s, int64_t *ret) {
    bool negative = str_starts(s, STR("-"));
    struct str digits = str_sub(s, negative, s.n);
    bool hex = str_starts(digits, STR("0x")) || str_starts(digits, STR("0X"));
    bool octal = !hex && digits.n > 1 && digits.p[0] == '0';
    if (!hex && !octal) return parse_i64(s, ret);
    int64_t value = 0;
    for (size_t i = hex ? 2 : 1; i < digits.n; i++) {
        char c = digits.p[i];
        int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        if (digit >= (hex ? 16 : 8)) return false;
        if (__builtin_mul_overflow(value, hex ? 16 : 8, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = negative ? -value : value;
    return true;
}

static bool number_matches(struct str want, struct str have) {
    int64_t a, b;
    double x, y;
    if (integer_of(want, &a) && parse_i64(have, &b)) return a == b;
    return parse_double(want, &x) && parse_double(have, &y) && x <= y && x >= y;
}

static bool equals(const struct hcl_value *want, const struct json *have);

static bool list_equals(const struct hcl_value *want, const struct json *have) {
    struct json_iter it = json_iter(have);
    const struct hcl_value *e = want->elements;
    for (; json_next(&it); e = e->next)
        if (!e || !equals(e, it.value)) return false;
    return !e;
}

static const struct hcl_value *member(const struct hcl_value *object, struct str key) {
    const struct hcl_value *found = NULL;
    for (const struct hcl_item *i = object->items; i; i = i->next)
        if (str_eq(i->key, key)) found = &i->value;
    return found;
}

static bool object_equals(const struct hcl_value *want, const struct json *have) {
    size_t n = 0;
    for (const struct hcl_item *i = want->items; i; i = i->next) n++;
    if (n != json_count(have)) return false;
    struct json_iter it = json_iter(have);
    while (json_next(&it)) {
        const struct hcl_value *v = member(want, it.key);
        if (!v || !equals(v, it.value)) return false;
    }
    return true;
}

static bool equals(const struct hcl_value *want, const struct json *have) {
    enum json_type type = have ? json_type(have) : JSON_NULL;
    switch (want->type) {
    case HCL_STRING: return type == JSON_STRING && str_eq(want->text, json_str(have));
    case HCL_NUMBER:
    case HCL_FLOAT: return type == JSON_NUMBER && number_matches(want->text, json_number(have));
    case HCL_BOOL: return type == JSON_BOOL && json_bool(have) == str_eqz(want->text, "true");
    case HCL_NULL: return type == JSON_NULL;
    case HCL_LIST: return type == JSON_ARRAY && list_equals(want, have);
    case HCL_OBJECT: return type == JSON_OBJECT && object_equals(want, have);
    }
    return false;
}

bool acl_value_matches(const struct hcl_value *want, const struct json *have) {
    if (want->type == HCL_STRING && json_type(have) == JSON_STRING)
        return text_matches(want->text, json_str(have));
    return equals(want, have);
}

static void write_number(struct str text, struct buf *out) {
    int64_t i;
    double d;
    if (integer_of(text, &i)) json_add_i64(out, i);
    else if (parse_double(text, &d)) buf_addf(out, "%.17g", d);
    else json_add_text(out, text);
}

static void write_object(const struct hcl_value *v, struct buf *out) {
    json_open(out, '{');
    for (const struct hcl_item *i = v->items; i; i = i->next) {
        json_key(out, i->key);
        acl_write_value(&i->value, out);
    }
    json_close(out, '}');
}

static void write_list(const struct hcl_value *v, struct buf *out) {
    json_open(out, '[');
    for (const struct hcl_value *e = v->elements; e; e = e->next) acl_write_value(e, out);
    json_close(out, ']');
}

void acl_write_value(const struct hcl_value *v, struct buf *out) {
    switch (v->type) {
    case HCL_STRING: json_add_text(out, v->text); return;
    case HCL_NUMBER:
    case HCL_FLOAT:
        json_comma(out);
        write_number(v->text, out);
        return;
    case HCL_BOOL: json_add_bool(out, str_eqz(v->text, "true")); return;
    case HCL_NULL: json_add_null(out); return;
    case HCL_LIST: write_list(v, out); return;
    case HCL_OBJECT: write_object(v, out); return;
    }
}
