// SPDX-License-Identifier: Apache-2.0
// What all parts of the ACL stand on: names, shapes of patterns, the caller's policies, and the
// union of rules.
#include <errno.h>

#include "identity/acl-internal.h"

enum { METHODS_MAX_BYTES = 1 << 20 };

const struct acl_name acl_names[] = {
    {"create", ACL_CREATE}, {"delete", ACL_DELETE}, {"deny", ACL_DENY},
    {"list", ACL_LIST},     {"patch", ACL_PATCH},   {"read", ACL_READ},
    {"scan", ACL_SCAN},     {"sudo", ACL_SUDO},     {"update", ACL_UPDATE},
};
const size_t acl_name_count = LEN(acl_names);

unsigned acl_bit(struct str name) {
    for (size_t i = 0; i < LEN(acl_names); i++)
        if (str_eqz(name, acl_names[i].name)) return acl_names[i].bit;
    return 0;
}

// One slash before it and one star behind it are taken off. A plus stands for a segment only where
// one begins, but its rule counts among those with segment wildcards also when it is longer
// ("/+b").
struct acl_shape acl_shape_of(struct str text) {
    struct acl_shape shape = {.pattern = text};
    if (str_starts(text, STR("/"))) shape.pattern = str_sub(text, 1, text.n);
    shape.prefix = str_ends(shape.pattern, STR("*"));
    if (shape.prefix) shape.pattern.n--;
    struct str p = shape.pattern;
    shape.segments = str_eqz(p, "+") || str_starts(p, STR("+/")) || str_find(p, STR("/+")) < p.n;
    return shape;
}

static bool has_policy(const struct acl_policies *p, const struct policy *policy) {
    for (size_t i = 0; i < p->n; i++)
        if (p->all[i] == policy) return true;
    return false;
}

static void add_policies(const struct acl_caller *caller, struct list names,
                         struct acl_policies *p) {
    struct str rest = names.packed, name;
    while (list_next(&rest, &name)) {
        const struct policy *policy = policy_get(caller->state, name);
        if (!policy || (policy->expires_ms && policy->expires_ms <= caller->now_ms)) continue;
        if (!has_policy(p, policy)) p->all[p->n++] = policy;
    }
}

int acl_policies_find(const struct acl_caller *caller, struct acl_policies *ret) {
    size_t most = list_count(caller->policies) + list_count(caller->identity_policies);
    ret->n = 0;
    ret->all = ret->few;
    if (most > LEN(ret->few)) {
        const struct policy **many = mem_new_array(most, sizeof(const struct policy *));
        if (!many) return -ENOMEM;
        ret->all = many;
    }
    add_policies(caller, caller->policies, ret);
    add_policies(caller, caller->identity_policies, ret);
    return 0;
}

void acl_policies_fini(struct acl_policies *p) {
    if (p->all != p->few) free(p->all);
    p->all = NULL;
}

static const char *forbidden_in(const struct policy *p) {
    if (p->allow_slashes) return p->allow_wildcards ? "" : "+*";
    return p->allow_wildcards ? "/" : "/+*";
}

bool acl_has_bad_template(const struct acl_policies *policies, const struct acl_caller *caller) {
    for (size_t i = 0; i < policies->n; i++) {
        const struct policy *p = policies->all[i];
        const char *forbidden = forbidden_in(p);
        for (size_t n = p->rules->start[ACL_TEMPLATE]; n < p->rules->start[ACL_CLASSES]; n++)
            if (template_value_has(p->rules->rules[n].template, caller->state, caller->entity,
                                   forbidden))
                return true;
    }
    return false;
}

struct acl_verdict acl_nothing(void) {
    return (struct acl_verdict){.mfa_methods = buf_make(METHODS_MAX_BYTES),
                                .constraints = buf_make(METHODS_MAX_BYTES)};
}

void acl_clear(struct acl_verdict *v) {
    struct buf methods = v->mfa_methods, constraints = v->constraints;
    *v = (struct acl_verdict){.mfa_methods = methods, .constraints = constraints};
    buf_cut(&v->mfa_methods, 0);
    buf_cut(&v->constraints, 0);
}

static void keep_smaller(int64_t *kept, int64_t value) {
    if (value && (*kept == 0 || value < *kept)) *kept = value;
}

static void add_methods(struct acl_verdict *v, struct list methods) {
    struct str rest = methods.packed, method;
    while (list_next(&rest, &method))
        if (!list_has(list_of(&v->mfa_methods), method)) list_add(&v->mfa_methods, method);
}

void acl_merge(struct acl_verdict *v, const struct acl_rule *rule) {
    v->matched = true;
    v->capabilities |= rule->capabilities;
    v->controlled |= rule->controlled;
    keep_smaller(&v->min_wrapping_ms, rule->min_wrapping_ms);
    keep_smaller(&v->max_wrapping_ms, rule->max_wrapping_ms);
    keep_smaller(&v->list_limit, rule->list_limit);
    add_methods(v, rule->mfa_methods);
    if (rule->allowed || rule->denied || !list_is_empty(rule->required))
        buf_add(&v->constraints, &rule, sizeof rule);
}

const struct acl_rule *acl_constraint(const struct acl_verdict *v, size_t i) {
    const struct acl_rule *rule;
    memcpy(&rule, v->constraints.p + i * sizeof rule, sizeof rule);
    return rule;
}

int acl_settle(struct acl_verdict *v) {
    if (v->mfa_methods.error || v->constraints.error) return -ENOMEM;
    if (v->capabilities & ACL_DENY) {
        bool bad_template = v->bad_template;
        acl_clear(v);
        v->matched = true;
        v->capabilities = ACL_DENY;
        v->bad_template = bad_template;
    }
    v->controlled &= v->capabilities;
    v->capabilities &= ~v->controlled;
    return 0;
}

void acl_verdict_fini(struct acl_verdict *v) {
    buf_fini(&v->mfa_methods);
    buf_fini(&v->constraints);
}
