// SPDX-License-Identifier: Apache-2.0
// A policy's text to its rules. Its tree's memory becomes theirs, because patterns and values of
// parameters stay where they are.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "identity/policy-internal.h"

static const char *const top_keys[] = {"path", "name"};

void policy_add_quoted(struct buf *out, struct str s) {
    static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        const char *found = s.p[i] ? strchr(from, s.p[i]) : NULL;
        if (found) {
            buf_addc(out, '\\');
            buf_addc(out, to[found - from]);
        } else if ((unsigned char)s.p[i] < 0x20) {
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s.p[i]);
        } else {
            buf_addc(out, s.p[i]);
        }
    }
    buf_addc(out, '"');
}

static int say(const struct policy_maker *m, int times, const char *format, va_list args)
    PRINTF_LIKE(3, 0);
static int say(const struct policy_maker *m, int times, const char *format, va_list args) {
    AUTO_FINI(buf) struct buf text = buf_make(POLICY_FAULT_BYTES);
    for (int i = 0; i < times; i++) {
        buf_addz(&text, "path ");
        policy_add_quoted(&text, m->block->labels->text);
        buf_addz(&text, ": ");
    }
    buf_addv(&text, format, args);
    if (text.error == -ENOMEM) return -ENOMEM;
    return fault_set(m->fault, POLICY_E_TEXT, "%.*s", STR_ARG(buf_str(&text)));
}

int policy_say(const struct policy_maker *m, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int r = say(m, 1, format, args);
    va_end(args);
    return r;
}

int policy_say_twice(const struct policy_maker *m, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int r = say(m, 2, format, args);
    va_end(args);
    return r;
}

const char *policy_type_name(const struct hcl_value *v) {
    return v->type == HCL_LIST ? "ListType" : v->type == HCL_OBJECT ? "ObjectType" : "LiteralType";
}

static bool is_among(struct str key, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eqz(key, names[i])) return true;
    return false;
}

void policy_check_keys(const struct hcl_value *object, const char *const *names, size_t n,
                       struct buf *out) {
    size_t wrong = 0;
    for (const struct hcl_item *i = object->items; i; i = i->next)
        if (!is_among(i->key, names, n)) wrong++;
    if (wrong == 0) return;
    buf_addf(out, "%zu error%s occurred:", wrong, wrong == 1 ? "" : "s");
    for (const struct hcl_item *i = object->items; i; i = i->next) {
        if (is_among(i->key, names, n)) continue;
        buf_addz(out, "\n\t* invalid key ");
        policy_add_quoted(out, i->key);
        buf_addf(out, " on line %u", i->place.line);
    }
    buf_addz(out, "\n\n");
}

static int check_name(const struct policy_maker *m, const struct hcl_item *item) {
    const struct hcl_value *v = &item->value;
    if (v->type == HCL_STRING || v->type == HCL_NUMBER) return 0;
    return fault_set(m->fault, POLICY_E_TEXT,
                     "At %u:%u: root.name: unknown type for string *ast.%s", v->place.line,
                     v->place.column, policy_type_name(v));
}

static int make_path(struct policy_maker *m, const struct hcl_item *item) {
    if (!item->labels || item->labels->next)
        return fault_set(m->fault, POLICY_E_TEXT,
                         "At %u:%u: a path block has one path: path \"secret/*\" { ... }",
                         item->place.line, item->place.column);
    m->block = item;
    m->rule->expires_ms = ACL_NEVER;
    int r = policy_make_path(m);
    m->rule++;
    return r;
}

static size_t count_paths(const struct hcl_value *root) {
    size_t n = 0;
    for (const struct hcl_item *i = root->items; i; i = i->next) n += str_eqz(i->key, "path");
    return n;
}

static int check_top(const struct hcl_value *root, struct fault *fault) {
    AUTO_FINI(buf) struct buf wrong = buf_make(POLICY_FAULT_BYTES);
    policy_check_keys(root, top_keys, LEN(top_keys), &wrong);
    if (wrong.error == -ENOMEM) return -ENOMEM;
    if (wrong.n == 0) return 0;
    return fault_set(fault, POLICY_E_TEXT, "%.*s", STR_ARG(buf_str(&wrong)));
}

static int make_rules(const struct hcl_value *root, struct policy_maker *m) {
    for (const struct hcl_item *i = root->items; i; i = i->next) {
        int r = str_eqz(i->key, "path") ? make_path(m, i) : check_name(m, i);
        if (r) return r;
    }
    return 0;
}

static int compare(const void *a, const void *b) {
    const struct acl_rule *x = a, *y = b;
    if (x->class != y->class) return x->class < y->class ? -1 : 1;
    return str_cmp(x->pattern, y->pattern);
}

static void sort_rules(struct policy_rules *rules, size_t n) {
    qsort(rules->rules, n, sizeof *rules->rules, compare);
    size_t at = 0;
    for (int class = 0; class <= ACL_CLASSES; class ++) {
        while (at < n && rules->rules[at].class < (enum acl_class) class) at++;
        rules->start[class] = at;
    }
}

static int fill(struct policy_rules *rules, const struct hcl_value *root, struct fault *fault) {
    int r = check_top(root, fault);
    if (r) return r;
    size_t n = count_paths(root);
    rules->rules = arena_take_array(&rules->arena, n + 1, sizeof *rules->rules);
    if (!rules->rules) return -ENOMEM;
    struct policy_maker m = {.arena = &rules->arena, .fault = fault, .rule = rules->rules};
    r = make_rules(root, &m);
    if (r) return r;
    sort_rules(rules, n);
    return 0;
}

int policy_rules_parse(struct policy_rules **ret, struct str text, struct fault *fault) {
    AUTO(policy_rules) struct policy_rules *rules = mem_new(sizeof *rules);
    if (!rules) return -ENOMEM;
    struct hcl tree;
    int r = hcl_parse(&tree, text, fault);
    if (r) return r > 0 ? POLICY_E_TEXT : r;
    rules->arena = tree.arena;
    r = fill(rules, &tree.root, fault);
    if (r) return r;
    *ret = TAKE(rules);
    return 0;
}

struct policy_rules *policy_rules_free(struct policy_rules *r) {
    if (r) arena_fini(&r->arena);
    free(r);
    return NULL;
}
