// SPDX-License-Identifier: Apache-2.0
// Which rule wins. Nothing is merged beforehand: a policy's rules are sorted when it is made, so a
// decision bisects each of the caller's few policies, and unites what has the winning pattern.
#include "identity/acl-internal.h"

#include <errno.h>

enum { PATTERN_MAX_BYTES = 1 << 20 };

// The best pattern so far, and the verdict of the rules that have it.
struct search {
    const struct acl_caller *caller;
    struct acl_policies policies;
    struct str path;
    struct acl_verdict v;
    bool found;
    struct acl_shape best;
    struct buf best_text; // of a template that is the best
    struct buf text;      // of the template that is being looked at
};

static void search_fini(struct search *s) {
    acl_policies_fini(&s->policies);
    acl_verdict_fini(&s->v);
    buf_fini(&s->best_text);
    buf_fini(&s->text);
}
DEFINE_AUTO_FINI(search)

// Segment by segment; of a prefix, the last one and what follows only begin like it.
static bool segments_match(const struct acl_shape *shape, struct str path) {
    struct str pattern = shape->pattern;
    for (;;) {
        struct str want = str_split(&pattern, '/');
        bool last = !pattern.p;
        if (last && shape->prefix) return str_starts(path, want);
        struct str have = str_split(&path, '/');
        if (!str_eqz(want, "+") && !str_eq(want, have)) return false;
        if (last || !path.p) return last && !path.p;
    }
}

static bool shape_matches(const struct acl_shape *shape, struct str path) {
    if (shape->segments) return segments_match(shape, path);
    return shape->prefix ? str_starts(path, shape->pattern) : str_eq(path, shape->pattern);
}

// Any plus counts here, but only whole segments do below: so the real server has it.
static size_t first_wildcard(const struct acl_shape *s) {
    return s->segments ? str_find_char(s->pattern, '+') : s->pattern.n;
}

static size_t count_segments(const struct acl_shape *s) {
    struct str rest = s->segments ? s->pattern : STR_NONE;
    size_t n = 0;
    while (rest.p) n += str_eqz(str_split(&rest, '/'), "+");
    return n;
}

static int order(size_t a, size_t b) { return a < b ? -1 : a > b; }

// Reference 5.6, point 2: > 0 when `a` goes before `b`.
static int compare(const struct acl_shape *a, const struct acl_shape *b) {
    int c = order(first_wildcard(a), first_wildcard(b));
    if (c == 0) c = order(b->prefix, a->prefix);
    if (c == 0) c = order(count_segments(b), count_segments(a));
    if (c == 0) c = order(a->pattern.n, b->pattern.n);
    return c ? c : str_cmp(a->pattern, b->pattern);
}

static void take(struct search *s, const struct acl_rule *rule, const struct acl_shape *shape) {
    int c = s->found ? compare(shape, &s->best) : 1;
    if (c < 0) return;
    if (c > 0) {
        acl_clear(&s->v);
        s->best = *shape;
        s->found = true;
    }
    if (c > 0 && rule->template) {
        struct buf spare = s->best_text;
        s->best_text = s->text; // where the pattern is
        s->text = spare;
    }
    acl_merge(&s->v, rule);
}

// The first rule of [from, to) whose pattern is not smaller (`after`: greater) than the text.
static size_t bisect(const struct acl_rule *rules, size_t from, size_t to, struct str text,
                     bool after) {
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int c = str_cmp(rules[middle].pattern, text);
        if (c < 0 || (after && c == 0)) from = middle + 1;
        else to = middle;
    }
    return from;
}

static void take_plain(struct search *s, const struct acl_rule *rule, struct str path) {
    struct acl_shape shape = {rule->pattern, rule->prefix, rule->class == ACL_SEGMENTS};
    if (acl_is_live(rule, s->caller->now_ms) && shape_matches(&shape, path)) take(s, rule, &shape);
}

static void take_exact(struct search *s, const struct policy_rules *r, struct str path) {
    size_t end = r->start[ACL_EXACT + 1];
    for (size_t i = bisect(r->rules, r->start[ACL_EXACT], end, path, false);
         i < end && str_eq(r->rules[i].pattern, path); i++)
        take_plain(s, &r->rules[i], path);
}

static size_t common_length(struct str a, struct str b) {
    size_t n = 0;
    while (n < a.n && n < b.n && a.p[n] == b.p[n]) n++;
    return n;
}

// Prefixes of the path sort before it, longer ones later: goes back from it, past what is no prefix
// to where one could be. Shorter ones can't win, unless the longer has expired.
static void take_prefixes(struct search *s, const struct policy_rules *r, struct str path) {
    size_t from = r->start[ACL_PREFIX], end = r->start[ACL_PREFIX + 1];
    struct str rest = path;
    while ((end = bisect(r->rules, from, end, rest, true)) > from) {
        const struct acl_rule *rule = &r->rules[end - 1];
        rest.n = common_length(rule->pattern, rest);
        if (s->found && !s->best.segments && s->best.pattern.n > rest.n) return;
        if (rest.n < rule->pattern.n) continue;
        take_plain(s, rule, path);
        end--;
    }
}

static void take_segments(struct search *s, const struct policy_rules *r, struct str path) {
    for (size_t i = r->start[ACL_SEGMENTS]; i < r->start[ACL_SEGMENTS + 1]; i++)
        take_plain(s, &r->rules[i], path);
}

// Cheap, and true of nearly all templates for nearly all paths.
static bool is_elsewhere(const struct template *t, struct str path) {
    struct str head = template_head(t);
    if (str_starts(head, STR("/"))) head = str_sub(head, 1, head.n);
    return str_find_char(head, '+') == head.n && !str_starts(path, head);
}

static int take_template(struct search *s, const struct acl_rule *rule, struct str path,
                         bool exact) {
    if (!acl_is_live(rule, s->caller->now_ms) || is_elsewhere(rule->template, path)) return 0;
    buf_reset(&s->text);
    int r = template_expand(rule->template, s->caller->state, s->caller->entity, &s->text);
    if (r) return r < 0 ? r : 0;
    struct acl_shape shape = acl_shape_of(buf_str(&s->text));
    bool is_exact = !shape.prefix && !shape.segments;
    if (is_exact == exact && shape_matches(&shape, path)) take(s, rule, &shape);
    return 0;
}

static int take_templates(struct search *s, const struct policy_rules *r, struct str path,
                          bool exact) {
    int e = 0;
    for (size_t i = r->start[ACL_TEMPLATE]; i < r->start[ACL_CLASSES] && e == 0; i++)
        e = take_template(s, &r->rules[i], path, exact);
    return e;
}

// All of the policies' rules of a kind. Nothing when something has been found before.
static int look(struct search *s, struct str path, bool exact) {
    if (s->found) return 0;
    int r = 0;
    for (size_t i = 0; i < s->policies.n && r == 0; i++) {
        const struct policy_rules *rules = s->policies.all[i]->rules;
        if (exact) {
            take_exact(s, rules, path);
        } else {
            take_prefixes(s, rules, path);
            take_segments(s, rules, path);
        }
        r = take_templates(s, rules, path, exact);
    }
    return r;
}

static int look_everywhere(struct search *s, bool list) {
    struct str path = s->path;
    bool folder = list && str_ends(path, STR("/"));
    struct str without = folder ? str_sub(path, 0, path.n - 1) : path;
    int r = look(s, path, true);
    if (r == 0 && folder) r = look(s, without, true);
    if (r == 0) r = look(s, path, false);
    if (r == 0 && folder) r = look(s, without, false);
    return r;
}

static void decide_root(struct acl_verdict *v) {
    v->matched = true;
    for (size_t i = 0; i < acl_name_count; i++)
        if (acl_names[i].bit != ACL_DENY) v->capabilities |= acl_names[i].bit;
}

static void deny_all(struct acl_verdict *v) {
    v->bad_template = true;
    v->matched = true;
    v->capabilities = ACL_DENY;
}

int acl_decide(const struct acl_caller *caller, struct str path, bool list,
               struct acl_verdict *ret) {
    AUTO_FINI(search) struct search s = {.caller = caller, .path = path, .v = acl_nothing()};
    s.best_text = buf_make(PATTERN_MAX_BYTES);
    s.text = buf_make(PATTERN_MAX_BYTES);
    int r = 0;
    if (caller->root) {
        decide_root(&s.v);
    } else {
        r = acl_policies_find(caller, &s.policies);
        if (r == 0 && acl_has_bad_template(&s.policies, caller)) deny_all(&s.v);
        else if (r == 0) r = look_everywhere(&s, list);
    }
    if (r == 0) r = acl_settle(&s.v);
    if (r) return r;
    *ret = s.v;
    s.v = acl_nothing();
    return 0;
}
