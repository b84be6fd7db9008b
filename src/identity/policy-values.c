// SPDX-License-Identifier: Apache-2.0
// Values with a meaning of their own: durations, instants, numbers, lists of names.
#include <errno.h>

#include "base/parse.h"
#include "base/time.h"
#include "identity/policy-internal.h"

static bool split_sign(struct str *s) {
    if (s->n == 0 || (s->p[0] != '-' && s->p[0] != '+')) return false;
    bool negative = s->p[0] == '-';
    *s = str_sub(*s, 1, s->n);
    return negative;
}

// Seconds ("90", "1.5") or with units ("1h30m").
static bool parse_seconds(struct str s, int64_t *ret_ms) {
    int64_t seconds;
    double value;
    if (parse_i64(s, &seconds)) return !__builtin_mul_overflow(seconds, TIME_SECOND_MS, ret_ms);
    if (!parse_double(s, &value)) return parse_duration_ms(s, ret_ms);
    if (value > 1e15) return false;
    *ret_ms = (int64_t)(value * TIME_SECOND_MS);
    return true;
}

bool policy_duration(const struct hcl_value *v, int64_t *ret_ms, struct buf *wrong) {
    if (v->type != HCL_STRING && v->type != HCL_NUMBER && v->type != HCL_FLOAT) {
        buf_addz(wrong, "could not parse duration from input");
        return false;
    }
    struct str s = v->text;
    int64_t ms = 0;
    bool negative = split_sign(&s);
    if (s.n && !parse_seconds(s, &ms)) {
        buf_addz(wrong, "time: invalid duration ");
        policy_add_quoted(wrong, v->text);
        return false;
    }
    *ret_ms = negative ? -ms : ms;
    return true;
}

int policy_read_duration(const struct policy_maker *m, const struct hcl_item *item,
                         int64_t *ret_ms) {
    AUTO_FINI(buf) struct buf wrong = buf_make(POLICY_FAULT_BYTES);
    if (policy_duration(&item->value, ret_ms, &wrong)) return 0;
    if (wrong.error == -ENOMEM) return -ENOMEM;
    return policy_say(m, "error parsing %.*s: %.*s", STR_ARG(item->key), STR_ARG(buf_str(&wrong)));
}

// RFC 3339 with date and time, or seconds since 1970; empty: never.
int policy_read_expiration(const struct policy_maker *m, const struct hcl_item *item) {
    struct str text = item->value.text;
    int64_t at;
    if (text.n == 0) return 0;
    bool good = parse_i64(text, &at)
                    ? !__builtin_mul_overflow(at, TIME_SECOND_MS, &at)
                    : str_find_char(text, 'T') < text.n && time_parse_iso8601(text, &at);
    if (!good)
        return policy_say_twice(m, "invalid expiration time: could not parse string as date and "
                                   "time");
    m->rule->expires_ms = at;
    return 0;
}

int policy_read_limit(const struct policy_maker *m, const struct hcl_item *item) {
    int64_t limit;
    if (parse_i64(item->value.text, &limit)) {
        m->rule->list_limit = limit > 0 ? limit : 0;
        return 0;
    }
    AUTO_FINI(buf) struct buf quoted = buf_make(POLICY_FAULT_BYTES);
    policy_add_quoted(&quoted, item->value.text);
    if (quoted.error == -ENOMEM) return -ENOMEM;
    return policy_say_twice(m, "strconv.ParseInt: parsing %.*s: invalid syntax",
                            STR_ARG(buf_str(&quoted)));
}

int policy_read_texts(const struct policy_maker *m, const struct hcl_item *item,
                      struct list *into) {
    AUTO_FINI(buf) struct buf texts = buf_make(SIZE_MAX);
    buf_add_str(&texts, into->packed);
    for (const struct hcl_value *e = item->value.elements; e; e = e->next)
        list_add(&texts, e->text);
    if (texts.error) return -ENOMEM;
    return arena_copy(m->arena, buf_str(&texts), &into->packed) ? 0 : -ENOMEM;
}
