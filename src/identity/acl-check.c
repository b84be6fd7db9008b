// SPDX-License-Identifier: Apache-2.0
// Constraints of the rules that were united. A parameter that several rules name has all their
// values; a rule that says nothing of it lifts nothing (as the real server has it).
#include "identity/acl-internal.h"

#include "base/parse.h"
#include "base/time.h"

enum found { ABSENT, NO_MATCH, MATCH };

static const struct acl_parameter *map_of(const struct acl_rule *rule, bool allowed) {
    return allowed ? rule->allowed : rule->denied;
}

static bool is_match(const struct acl_parameter *p, const struct json *value) {
    if (!p->values) return true;
    for (const struct hcl_value *v = p->values; v; v = v->next)
        if (acl_value_matches(v, value)) return true;
    return false;
}

static enum found find(const struct acl_verdict *v, bool allowed, struct str key,
                       const struct json *value) {
    enum found found = ABSENT;
    for (size_t i = 0; i < acl_constraint_count(v); i++)
        for (const struct acl_parameter *p = map_of(acl_constraint(v, i), allowed); p;
             p = p->next) {
            if (!str_eq_nocase(p->name, key)) continue;
            if (is_match(p, value)) return MATCH;
            found = NO_MATCH;
        }
    return found;
}

static bool has_map(const struct acl_verdict *v, bool allowed) {
    for (size_t i = 0; i < acl_constraint_count(v); i++)
        if (map_of(acl_constraint(v, i), allowed)) return true;
    return false;
}

static bool has_star(const struct acl_verdict *v, bool allowed) {
    return find(v, allowed, STR("*"), NULL) != ABSENT;
}

// The name is meant in lower case, and has to come so.
static bool is_sent(struct str name, const struct json *data) {
    struct json_iter it = json_iter(data);
    while (json_next(&it)) {
        bool lower = true;
        for (size_t i = 0; i < it.key.n; i++)
            lower = lower && !(it.key.p[i] >= 'A' && it.key.p[i] <= 'Z');
        if (lower && str_eq_nocase(it.key, name)) return true;
    }
    return false;
}

static bool has_required(const struct acl_verdict *v, const struct json *data) {
    for (size_t i = 0; i < acl_constraint_count(v); i++) {
        struct str rest = acl_constraint(v, i)->required.packed, name;
        while (list_next(&rest, &name))
            if (!is_sent(name, data)) return false;
    }
    return true;
}

static bool is_denied(const struct acl_verdict *v, const struct json *data) {
    if (json_count(data) && has_star(v, false)) return true;
    struct json_iter it = json_iter(data);
    while (json_next(&it))
        if (find(v, false, it.key, it.value) == MATCH) return true;
    return false;
}

static bool is_allowed(const struct acl_verdict *v, const struct json *data) {
    if (!has_map(v, true)) return true;
    bool others = has_star(v, true);
    struct json_iter it = json_iter(data);
    while (json_next(&it)) {
        enum found found = find(v, true, it.key, it.value);
        if (found == NO_MATCH || (found == ABSENT && !others)) return false;
    }
    return true;
}

bool acl_check_parameters(const struct acl_verdict *v, const struct json *data) {
    if (acl_constraint_count(v) == 0) return true;
    return has_required(v, data) && !is_denied(v, data) && is_allowed(v, data);
}

bool acl_check_wrapping(const struct acl_verdict *v, int64_t wrap_ttl_s) {
    int64_t ms = wrap_ttl_s > INT64_MAX / TIME_SECOND_MS ? INT64_MAX : wrap_ttl_s * TIME_SECOND_MS;
    if (v->max_wrapping_ms && (ms <= 0 || ms > v->max_wrapping_ms)) return false;
    return !v->min_wrapping_ms || ms >= v->min_wrapping_ms;
}

bool acl_check_limit(const struct acl_verdict *v, const struct json *data) {
    const struct json *sent = json_get(data, "limit");
    if (!v->list_limit || !sent) return true;
    struct str text = json_type(sent) == JSON_STRING ? json_str(sent) : json_number(sent);
    int64_t limit;
    if (!text.p || !parse_i64(text, &limit)) return false;
    return limit >= 0 && limit <= v->list_limit;
}
