// SPDX-License-Identifier: Apache-2.0
// One `path "..." { ... }` to one rule: its keys are known, their values have the right shape, and
// then each is read, in the order in which the real server finds fault.
#include <errno.h>

#include "identity/policy-internal.h"

enum shape {
    ANY,
    TEXT,  // a string or a whole number
    TEXTS, // a list of such
    MAP,   // names, each with a list
    INT,   // a whole number, or a string that is one
};

struct path_key {
    const char *name;
    const char *shown; // in messages about its shape
    enum shape shape;
    int (*read)(const struct policy_maker *m, const struct hcl_item *item);
};

static bool is_text(const struct hcl_value *v) {
    return v->type == HCL_STRING || v->type == HCL_NUMBER;
}

static int read_nothing(const struct policy_maker *m, const struct hcl_item *item) {
    (void)m;
    (void)item;
    return 0;
}

// What keys meant before there were capabilities.
static const struct acl_name old_policies[] = {
    {"", 0},
    {"deny", ACL_DENY},
    {"read", ACL_READ | ACL_LIST},
    {"write", ACL_CREATE | ACL_READ | ACL_UPDATE | ACL_DELETE | ACL_LIST},
    {"sudo", ACL_CREATE | ACL_READ | ACL_UPDATE | ACL_DELETE | ACL_LIST | ACL_SUDO},
};

static int say_invalid(const struct policy_maker *m, const char *what, struct str value) {
    AUTO_FINI(buf) struct buf quoted = buf_make(POLICY_FAULT_BYTES);
    policy_add_quoted(&quoted, value);
    if (quoted.error == -ENOMEM) return -ENOMEM;
    return policy_say_twice(m, "invalid %s %.*s", what, STR_ARG(buf_str(&quoted)));
}

static int read_old_policy(const struct policy_maker *m, const struct hcl_item *item) {
    for (size_t i = 0; i < LEN(old_policies); i++) {
        if (!str_eqz(item->value.text, old_policies[i].name)) continue;
        m->rule->capabilities |= old_policies[i].bit;
        return 0;
    }
    return say_invalid(m, "policy", item->value.text);
}

static int read_capabilities(const struct policy_maker *m, const struct hcl_item *item) {
    for (const struct hcl_value *e = item->value.elements; e; e = e->next) {
        unsigned bit = acl_bit(e->text);
        if (!bit) return say_invalid(m, "capability", e->text);
        m->rule->capabilities |= bit;
    }
    return 0;
}

static bool copy_lower(struct arena *arena, struct str name, struct str *ret) {
    char *p = arena_take(arena, name.n + 1);
    if (!p) return false;
    for (size_t i = 0; i < name.n; i++)
        p[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 'a' - 'A') : name.p[i];
    *ret = (struct str){p, name.n};
    return true;
}

static int read_map(const struct policy_maker *m, const struct hcl_value *map,
                    struct acl_parameter **into) {
    while (*into) into = &(*into)->next;
    for (const struct hcl_item *i = map->items; i; i = i->next) {
        struct acl_parameter *p = arena_take(m->arena, sizeof *p);
        if (!p || !copy_lower(m->arena, i->key, &p->name)) return -ENOMEM;
        p->values = i->value.elements;
        *into = p;
        into = &p->next;
    }
    return 0;
}

// JSON may say a map as a list of one.
static int read_maps(const struct policy_maker *m, const struct hcl_item *item,
                     struct acl_parameter **into) {
    if (item->value.type == HCL_OBJECT) return read_map(m, &item->value, into);
    int r = 0;
    for (const struct hcl_value *e = item->value.elements; e && r == 0; e = e->next)
        r = read_map(m, e, into);
    return r;
}

static int read_allowed(const struct policy_maker *m, const struct hcl_item *item) {
    return read_maps(m, item, &m->rule->allowed);
}

static int read_denied(const struct policy_maker *m, const struct hcl_item *item) {
    return read_maps(m, item, &m->rule->denied);
}

static int read_required(const struct policy_maker *m, const struct hcl_item *item) {
    return policy_read_texts(m, item, &m->rule->required);
}

static int read_methods(const struct policy_maker *m, const struct hcl_item *item) {
    return policy_read_texts(m, item, &m->rule->mfa_methods);
}

static int read_min_wrapping(const struct policy_maker *m, const struct hcl_item *item) {
    return policy_read_duration(m, item, &m->rule->min_wrapping_ms);
}

static int read_max_wrapping(const struct policy_maker *m, const struct hcl_item *item) {
    return policy_read_duration(m, item, &m->rule->max_wrapping_ms);
}

// It would leave keys out of an answer, by a template language of its own. To take it and to show
// everything would be worse than to say no.
static int read_filter(const struct policy_maker *m, const struct hcl_item *item) {
    if (item->value.text.n == 0) return 0;
    return policy_say(m, "%.*s is not supported", STR_ARG(item->key));
}

static const struct path_key path_keys[] = {
    {"control_group", NULL, ANY, policy_read_control},
    {"expiration", "expiration", TEXT, policy_read_expiration},
    {"policy", "Policy", TEXT, read_old_policy},
    {"capabilities", "Capabilities", TEXTS, read_capabilities},
    {"comment", NULL, ANY, read_nothing},
    {"allowed_parameters", "allowed_parameters", MAP, read_allowed},
    {"denied_parameters", "denied_parameters", MAP, read_denied},
    {"required_parameters", "required_parameters", TEXTS, read_required},
    {"min_wrapping_ttl", NULL, ANY, read_min_wrapping},
    {"max_wrapping_ttl", NULL, ANY, read_max_wrapping},
    {"mfa_methods", "mfa_methods", TEXTS, read_methods},
    {"pagination_limit", "pagination_limit", INT, policy_read_limit},
    {"list_scan_response_keys_filter_path", "list_scan_response_keys_filter_path", TEXT,
     read_filter},
};

static int check_texts(const struct policy_maker *m, const struct path_key *key,
                       const struct hcl_value *v) {
    if (v->type != HCL_LIST)
        return policy_say_twice(m, "At %u:%u: unknown slice type: *ast.%s", v->place.line,
                                v->place.column, policy_type_name(v));
    size_t n = 0;
    for (const struct hcl_value *e = v->elements; e; e = e->next, n++)
        if (!is_text(e))
            return policy_say_twice(m, "At %u:%u: root.%s[%zu]: unknown type for string *ast.%s",
                                    e->place.line, e->place.column, key->shown, n,
                                    policy_type_name(e));
    return 0;
}

static int check_text(const struct policy_maker *m, const struct path_key *key,
                      const struct hcl_value *v) {
    if (is_text(v)) return 0;
    return policy_say_twice(m, "At %u:%u: root.%s: unknown type for string *ast.%s", v->place.line,
                            v->place.column, key->shown, policy_type_name(v));
}

static int check_names(const struct policy_maker *m, const struct hcl_value *map) {
    for (const struct hcl_item *i = map->items; i; i = i->next)
        if (i->value.type != HCL_LIST)
            return policy_say_twice(m, "At %u:%u: unknown slice type: *ast.%s", i->value.place.line,
                                    i->value.place.column, policy_type_name(&i->value));
    return 0;
}

static int check_map(const struct policy_maker *m, const struct path_key *key,
                     const struct hcl_value *v) {
    if (v->type == HCL_OBJECT) return check_names(m, v);
    bool maps = v->type == HCL_LIST && v->elements;
    for (const struct hcl_value *e = v->elements; e && maps; e = e->next)
        maps = e->type == HCL_OBJECT;
    if (!maps)
        return policy_say_twice(m, "At %u:%u: root.%s: not an object type for map (*ast.%s)",
                                v->place.line, v->place.column, key->shown, policy_type_name(v));
    int r = 0;
    for (const struct hcl_value *e = v->elements; e && r == 0; e = e->next) r = check_names(m, e);
    return r;
}

static int check_int(const struct policy_maker *m, const struct path_key *key,
                     const struct hcl_value *v) {
    if (is_text(v)) return 0; // whether it is a number is seen when it is read
    return policy_say_twice(m, "At %u:%u: root.%s: unknown type *ast.%s", v->place.line,
                            v->place.column, key->shown, policy_type_name(v));
}

static int check_any(const struct policy_maker *m, const struct path_key *key,
                     const struct hcl_value *v) {
    (void)m;
    (void)key;
    (void)v;
    return 0;
}

static int (*const shape_checks[])(const struct policy_maker *, const struct path_key *,
                                   const struct hcl_value *) = {
    [ANY] = check_any, [TEXT] = check_text, [TEXTS] = check_texts,
    [MAP] = check_map, [INT] = check_int,
};

// The items that have this key: each is checked, or read.
static int each_item(const struct policy_maker *m, const struct path_key *key, bool check) {
    for (const struct hcl_item *i = m->block->value.items; i; i = i->next) {
        if (!str_eqz(i->key, key->name)) continue;
        int r = check ? shape_checks[key->shape](m, key, &i->value) : key->read(m, i);
        if (r) return r;
    }
    return 0;
}

static int check_keys(const struct policy_maker *m) {
    const char *names[LEN(path_keys)];
    AUTO_FINI(buf) struct buf wrong = buf_make(POLICY_FAULT_BYTES);
    const struct hcl_value *v = &m->block->value;
    if (v->type != HCL_OBJECT)
        return policy_say(m, "cannot check HCL keys of type *ast.%s", policy_type_name(v));
    for (size_t i = 0; i < LEN(path_keys); i++) names[i] = path_keys[i].name;
    policy_check_keys(v, names, LEN(names), &wrong);
    if (wrong.error == -ENOMEM) return -ENOMEM;
    return wrong.n ? policy_say(m, "%.*s", STR_ARG(buf_str(&wrong))) : 0;
}

static int set_template(const struct policy_maker *m, struct str path) {
    struct template *t = NULL;
    int r = template_make(&t, m->arena, path);
    if (r == TEMPLATE_E_BRACES)
        return policy_say(m, "failed to validate policy templating: unbalanced templating "
                             "characters");
    m->rule->template = t;
    return r;
}

static void set_pattern(struct acl_rule *rule, struct str path) {
    struct acl_shape shape = acl_shape_of(path);
    rule->pattern = rule->template ? path : shape.pattern;
    rule->prefix = shape.prefix;
    rule->class = rule->template   ? ACL_TEMPLATE
                  : shape.segments ? ACL_SEGMENTS
                  : shape.prefix   ? ACL_PREFIX
                                   : ACL_EXACT;
}

static int check_wildcards(const struct policy_maker *m, struct str path) {
    if (str_find(path, STR("+*")) == path.n) return 0;
    return policy_say_twice(m, "invalid use of wildcards ('+*' is forbidden)");
}

static int read_keys(const struct policy_maker *m) {
    int r = 0;
    for (size_t i = 0; i < LEN(path_keys) && r == 0; i++) r = each_item(m, &path_keys[i], false);
    return r;
}

static int check_shapes(const struct policy_maker *m) {
    int r = 0;
    for (size_t i = 0; i < LEN(path_keys) && r == 0; i++) r = each_item(m, &path_keys[i], true);
    return r;
}

static int finish(const struct policy_maker *m) {
    struct acl_rule *rule = m->rule;
    if (rule->max_wrapping_ms && rule->max_wrapping_ms < rule->min_wrapping_ms)
        return policy_say(m, "max_wrapping_ttl cannot be less than min_wrapping_ttl");
    if (rule->min_wrapping_ms < 0) rule->min_wrapping_ms = 0;
    if (rule->max_wrapping_ms < 0) rule->max_wrapping_ms = 0;
    if (rule->capabilities & ACL_DENY) rule->capabilities = ACL_DENY;
    return 0;
}

int policy_make_path(struct policy_maker *m) {
    struct str path = m->block->labels->text;
    int r = template_is_in(path) ? set_template(m, path) : 0;
    if (r == 0) r = check_keys(m);
    if (r == 0) r = check_shapes(m);
    if (r == 0) r = check_wildcards(m, path);
    if (r == 0) r = read_keys(m);
    if (r == 0) r = finish(m);
    if (r) return r;
    set_pattern(m->rule, path);
    return 0;
}
