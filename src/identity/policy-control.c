// SPDX-License-Identifier: Apache-2.0
// control_group: what others have to approve before it is done. There is no approving here, so
// what is controlled is refused (identity/acl.h); the block is checked as the real server does.
//
//   control_group = { ttl = "1h"  factor "boss" { controlled_capabilities = ["read"]
//     identity { group_names = ["managers"] approvals = 1 } } }
#include <errno.h>

#include "base/parse.h"
#include "identity/policy-internal.h"

static const char *const group_keys[] = {"ttl", "factor"};

static int say_control(const struct policy_maker *m, const struct buf *what) {
    if (what->error == -ENOMEM) return -ENOMEM;
    return policy_say(m, "error handling control_group: %.*s", STR_ARG(buf_str(what)));
}

static int say_one(const struct policy_maker *m, const char *format, ...) PRINTF_LIKE(2, 3);
static int say_one(const struct policy_maker *m, const char *format, ...) {
    AUTO_FINI(buf) struct buf text = buf_make(POLICY_FAULT_BYTES);
    va_list args;
    buf_addz(&text, "1 error occurred:\n\t* ");
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    buf_addz(&text, "\n\n");
    return say_control(m, &text);
}

static const struct hcl_value *member(const struct hcl_value *object, const char *key) {
    for (const struct hcl_item *i = object ? object->items : NULL; i; i = i->next)
        if (str_eqz(i->key, key)) return &i->value;
    return NULL;
}

static bool has_elements(const struct hcl_value *list) { return list && list->elements; }

static bool approvals_of(const struct hcl_value *identity) {
    const struct hcl_value *v = member(identity, "approvals");
    int64_t n;
    return v && parse_i64(v->text, &n) && n > 0;
}

static int read_controlled(const struct policy_maker *m, const struct hcl_value *list) {
    for (const struct hcl_value *e = list->elements; e; e = e->next) {
        unsigned bit = acl_bit(e->text);
        if (!bit)
            return say_one(m, "path control_group Operation(s) not valid: %.*s", STR_ARG(e->text));
        m->rule->controlled |= bit;
    }
    return 0;
}

static int read_factor(const struct policy_maker *m, const struct hcl_value *factor, size_t n) {
    const struct hcl_value *controlled = member(factor, "controlled_capabilities");
    const struct hcl_value *identity = member(factor, "identity");
    if (!has_elements(controlled))
        return say_one(m, "factor %zu: missing controlled capabilities", n);
    if (!approvals_of(identity)) return say_one(m, "factor %zu: missing required approvals", n);
    if (!has_elements(member(identity, "group_names")))
        return say_one(m, "factor %zu: missing approving groups", n);
    return read_controlled(m, controlled);
}

// In JSON the names are members: {"factor": {"boss": {...}}}, also as a list of such.
static int read_named(const struct policy_maker *m, const struct hcl_value *v, size_t *n) {
    int r = 0;
    for (const struct hcl_item *i = v->items; i && r == 0; i = i->next)
        r = read_factor(m, &i->value, (*n)++);
    for (const struct hcl_value *e = v->elements; e && r == 0; e = e->next)
        for (const struct hcl_item *i = e->items; i && r == 0; i = i->next)
            r = read_factor(m, &i->value, (*n)++);
    return r;
}

static int read_factors(const struct policy_maker *m, const struct hcl_value *group) {
    size_t n = 0;
    int r = 0;
    for (const struct hcl_item *i = group->items; i && r == 0; i = i->next) {
        if (!str_eqz(i->key, "factor")) continue;
        r = i->labels ? read_factor(m, &i->value, n++) : read_named(m, &i->value, &n);
    }
    if (r == 0 && n == 0) return say_one(m, "requires at least one factor but had none");
    return r;
}

static int check_ttl(const struct policy_maker *m, const struct hcl_value *ttl) {
    AUTO_FINI(buf) struct buf wrong = buf_make(POLICY_FAULT_BYTES);
    int64_t ms;
    if (!ttl || policy_duration(ttl, &ms, &wrong)) return 0;
    if (wrong.error == -ENOMEM) return -ENOMEM;
    return say_one(m, "path control_group: invalid ttl: %.*s", STR_ARG(buf_str(&wrong)));
}

int policy_read_control(const struct policy_maker *m, const struct hcl_item *item) {
    const struct hcl_value *group = &item->value;
    AUTO_FINI(buf) struct buf wrong = buf_make(POLICY_FAULT_BYTES);
    if (group->type != HCL_OBJECT)
        return say_one(m, "cannot check HCL keys of type *ast.%s", policy_type_name(group));
    policy_check_keys(group, group_keys, LEN(group_keys), &wrong);
    if (wrong.n || wrong.error) return say_control(m, &wrong);
    int r = check_ttl(m, member(group, "ttl"));
    return r ? r : read_factors(m, group);
}
