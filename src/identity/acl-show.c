// SPDX-License-Identifier: Apache-2.0
// What a caller may do, shown: on one path, below a mount, and altogether. The latter two put all
// the caller's rules side by side, sorted, so that those of one pattern are neighbours.
#include <errno.h>

#include "base/time.h"
#include "identity/acl-internal.h"
#include "json/write.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

int acl_capabilities(const struct acl_caller *caller, struct str path, struct buf *out) {
    while (str_starts(path, STR("/"))) path = str_sub(path, 1, path.n);
    if (caller->root) {
        list_add(out, STR("root"));
        return out->error;
    }
    AUTO_FINI(acl_verdict) struct acl_verdict v = acl_nothing();
    int r = acl_decide(caller, path, true, &v);
    if (r) return r;
    unsigned bits = v.capabilities | v.controlled;
    if (!bits) bits = ACL_DENY;
    for (size_t i = 0; i < acl_name_count; i++)
        if (bits & acl_names[i].bit) list_add(out, str_from(acl_names[i].name));
    return out->error;
}

struct view_rule {
    const struct acl_rule *rule;
    struct acl_shape shape;
    size_t at; // in the order of policies
};

struct view {
    struct arena texts; // of templates
    struct view_rule *rules;
    size_t n;
};

static void view_fini(struct view *v) {
    arena_fini(&v->texts);
    free(v->rules);
}
DEFINE_AUTO_FINI(view)

static int compare(const void *a, const void *b) {
    const struct view_rule *x = a, *y = b;
    int c = (int)x->shape.prefix - (int)y->shape.prefix;
    if (c == 0) c = str_cmp(x->shape.pattern, y->shape.pattern);
    if (c == 0) c = x->at < y->at ? -1 : 1;
    return c;
}

static bool same(const struct view_rule *a, const struct view_rule *b) {
    return a->shape.prefix == b->shape.prefix && str_eq(a->shape.pattern, b->shape.pattern);
}

// Outcomes: 0, also when the template has no value; -ENOMEM.
static int add_template(struct view *v, const struct acl_caller *caller,
                        const struct acl_rule *rule) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    struct str kept;
    int r = template_expand(rule->template, caller->state, caller->entity, &text);
    if (r) return r < 0 ? r : 0;
    if (!arena_copy(&v->texts, buf_str(&text), &kept)) return -ENOMEM;
    v->rules[v->n] = (struct view_rule){rule, acl_shape_of(kept), v->n};
    v->n++;
    return 0;
}

static int add_rule(struct view *v, const struct acl_caller *caller, const struct acl_rule *rule) {
    if (!acl_is_live(rule, caller->now_ms)) return 0;
    if (rule->template) return add_template(v, caller, rule);
    struct acl_shape shape = {rule->pattern, rule->prefix, rule->class == ACL_SEGMENTS};
    v->rules[v->n] = (struct view_rule){rule, shape, v->n};
    v->n++;
    return 0;
}

static int add_all(struct view *v, const struct acl_caller *caller,
                   const struct acl_policies *policies) {
    size_t n = 1;
    for (size_t i = 0; i < policies->n; i++) n += policies->all[i]->rules->start[ACL_CLASSES];
    v->rules = mem_new_array(n, sizeof *v->rules);
    if (!v->rules) return -ENOMEM;
    for (size_t i = 0; i < policies->n; i++) {
        const struct policy_rules *rules = policies->all[i]->rules;
        for (size_t k = 0; k < rules->start[ACL_CLASSES]; k++) {
            int r = add_rule(v, caller, &rules->rules[k]);
            if (r) return r;
        }
    }
    qsort(v->rules, v->n, sizeof *v->rules, compare);
    return 0;
}

// All rules that count. Outcomes: 0; -ENOMEM.
static int view_make(struct view *v, const struct acl_caller *caller) {
    AUTO_FINI(acl_policies) struct acl_policies policies = {0};
    int r = acl_policies_find(caller, &policies);
    if (r || acl_has_bad_template(&policies, caller)) return r;
    return add_all(v, caller, &policies);
}

// Unites the rules that have the pattern of the one at *at, and goes past them.
static int view_unite(const struct view *v, size_t *at, struct acl_verdict *ret) {
    acl_clear(ret);
    size_t first = *at;
    while (*at < v->n && same(&v->rules[first], &v->rules[*at]))
        acl_merge(ret, v->rules[(*at)++].rule);
    return acl_settle(ret);
}

// Whether a path below the prefix could have the shape: their segments agree as far as both go.
static bool segments_meet(const struct acl_shape *shape, struct str prefix) {
    struct str pattern = shape->pattern;
    while (prefix.p && prefix.n) {
        struct str have = str_split(&prefix, '/');
        struct str want = str_split(&pattern, '/');
        bool last = !pattern.p;
        if (last && shape->prefix) return str_starts(have, want);
        if (!str_eqz(want, "+") && !str_eq(want, have)) return false;
        if (last) return !prefix.n;
    }
    return true;
}

static bool shape_meets(const struct acl_shape *shape, struct str prefix) {
    if (shape->segments) return segments_meet(shape, prefix);
    if (str_starts(shape->pattern, prefix)) return true;
    if (shape->prefix) return str_starts(prefix, shape->pattern);
    return str_ends(prefix, STR("/")) && str_eq(shape->pattern, str_sub(prefix, 0, prefix.n - 1));
}

bool acl_sees(const struct acl_caller *caller, struct str prefix) {
    if (caller->root) return true;
    AUTO_FINI(view) struct view v = {0};
    AUTO_FINI(acl_verdict) struct acl_verdict united = acl_nothing();
    if (view_make(&v, caller)) return false;
    for (size_t at = 0; at < v.n;) {
        const struct acl_shape *shape = &v.rules[at].shape;
        if (view_unite(&v, &at, &united)) return false;
        unsigned gives = united.capabilities | united.controlled;
        if (gives && gives != ACL_DENY && shape_meets(shape, prefix)) return true;
    }
    return false;
}

// The name that follows `last` (absent: the first) among those of all maps; absent: none.
static struct str next_name(const struct acl_verdict *v, bool allowed, struct str last) {
    struct str next = STR_NONE;
    for (size_t i = 0; i < acl_constraint_count(v); i++) {
        const struct acl_rule *rule = acl_constraint(v, i);
        for (const struct acl_parameter *p = allowed ? rule->allowed : rule->denied; p; p = p->next)
            if ((!last.p || str_cmp(p->name, last) > 0) && (!next.p || str_cmp(p->name, next) < 0))
                next = p->name;
    }
    return next;
}

// False: any value will do.
static bool write_named(const struct acl_rule *rule, bool allowed, struct str name,
                        struct buf *out) {
    for (const struct acl_parameter *p = allowed ? rule->allowed : rule->denied; p; p = p->next) {
        if (!str_eq(p->name, name)) continue;
        if (!p->values) return false;
        for (const struct hcl_value *e = p->values; e; e = e->next) acl_write_value(e, out);
    }
    return true;
}

// The values of all rules, later ones first, as the real server has them.
static void write_values(const struct acl_verdict *v, bool allowed, struct str name,
                         struct buf *out) {
    json_open(out, '[');
    size_t start = out->n;
    for (size_t i = acl_constraint_count(v); i-- > 0;)
        if (!write_named(acl_constraint(v, i), allowed, name, out)) {
            buf_cut(out, start);
            break;
        }
    json_close(out, ']');
}

static void write_map(const struct acl_verdict *v, bool allowed, struct buf *out) {
    struct str name = next_name(v, allowed, STR_NONE);
    if (!name.p) return;
    json_key(out, allowed ? STR("allowed_parameters") : STR("denied_parameters"));
    json_open(out, '{');
    for (; name.p; name = next_name(v, allowed, name)) {
        json_key(out, name);
        write_values(v, allowed, name, out);
    }
    json_close(out, '}');
}

static void write_required(const struct acl_verdict *v, struct buf *out) {
    AUTO_FINI(buf) struct buf names = buf_make(TEXT_MAX_BYTES);
    for (size_t i = 0; i < acl_constraint_count(v); i++) {
        struct str rest = acl_constraint(v, i)->required.packed, name;
        while (list_next(&rest, &name))
            if (!list_has(list_of(&names), name)) list_add(&names, name);
    }
    if (names.error) out->error = -ENOMEM;
    if (names.n == 0) return;
    json_key(out, STR("required_parameters"));
    list_write(out, list_of(&names));
}

static void write_capabilities(const struct acl_verdict *v, struct buf *out) {
    unsigned bits = v->capabilities | v->controlled;
    if (!bits) bits = ACL_DENY;
    json_key(out, STR("capabilities"));
    json_open(out, '[');
    for (size_t i = 0; i < acl_name_count; i++)
        if (bits & acl_names[i].bit) json_add_str(out, str_from(acl_names[i].name));
    json_close(out, ']');
}

static void write_ttl(struct str key, int64_t ms, struct buf *out) {
    if (!ms) return;
    json_key(out, key);
    json_add_i64(out, ms / TIME_SECOND_MS);
}

static void write_rule(struct str pattern, const struct acl_verdict *v, struct buf *out) {
    json_key(out, pattern);
    json_open(out, '{');
    write_map(v, true, out);
    write_capabilities(v, out);
    write_map(v, false, out);
    write_ttl(STR("max_wrapping_ttl"), v->max_wrapping_ms, out);
    write_ttl(STR("min_wrapping_ttl"), v->min_wrapping_ms, out);
    write_required(v, out);
    json_close(out, '}');
}

// Those with or without a star, from `at` on.
static int write_group(const struct view *v, size_t *at, bool prefix, struct buf *out) {
    AUTO_FINI(acl_verdict) struct acl_verdict united = acl_nothing();
    json_open(out, '{');
    while (*at < v->n && v->rules[*at].shape.prefix == prefix) {
        const struct acl_shape *shape = &v->rules[*at].shape;
        int r = view_unite(v, at, &united);
        if (r) return r;
        if (!shape->segments) write_rule(shape->pattern, &united, out);
    }
    json_close(out, '}');
    return 0;
}

static int write_groups(const struct acl_caller *caller, struct buf *out) {
    AUTO_FINI(view) struct view v = {0};
    size_t at = 0;
    int r = view_make(&v, caller);
    if (r) return r;
    json_key(out, STR("exact_paths"));
    r = write_group(&v, &at, false, out);
    if (r) return r;
    json_key(out, STR("glob_paths"));
    return write_group(&v, &at, true, out);
}

int acl_write_resultant(const struct acl_caller *caller, struct buf *out) {
    json_open(out, '{');
    int r = caller->root ? 0 : write_groups(caller, out);
    if (r) return r;
    json_key(out, STR("root"));
    json_add_bool(out, caller->root);
    json_close(out, '}');
    return out->error ? -ENOMEM : 0;
}
