// SPDX-License-Identifier: Apache-2.0
#include "sim/faults.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"

struct kind_row {
    const char *name;
    enum fault_slot slot;
    unsigned places;    // where it can strike
    const char *number; // the name of its parameter `n`; NULL: has none
    const char *text;   // the name of its text parameter; NULL: has none
};

enum {
    RESOURCES = FAULT_AT_LOGS | FAULT_AT_USERS | FAULT_AT_FACTORS | FAULT_AT_VERIFY | FAULT_AT_POLL,
    ANYWHERE = RESOURCES | FAULT_AT_TOKEN,
};

static const struct kind_row kinds[FAULT_KINDS] = {
    [FAULT_RATE_LIMIT] = {"rate_limit", FAULT_INSTEAD, ANYWHERE, "seconds", NULL},
    [FAULT_CONCURRENCY] = {"concurrency", FAULT_INSTEAD, ANYWHERE, "seconds", NULL},
    [FAULT_500] = {"500", FAULT_INSTEAD, ANYWHERE, NULL, "code"},
    [FAULT_503] = {"503", FAULT_INSTEAD, ANYWHERE, NULL, NULL},
    [FAULT_504] = {"504", FAULT_INSTEAD, ANYWHERE, NULL, NULL},
    [FAULT_RESET_BEFORE] = {"reset_before", FAULT_INSTEAD, ANYWHERE, NULL, NULL},
    [FAULT_STALL_BEFORE] = {"stall_before", FAULT_INSTEAD, ANYWHERE, NULL, NULL},
    [FAULT_BAD_CURSOR] = {"bad_cursor", FAULT_INSTEAD, FAULT_AT_LOGS, NULL, NULL},
    [FAULT_SHORT_PAGE] = {"short_page", FAULT_PAGE, FAULT_AT_LOGS, "events", NULL},
    [FAULT_EMPTY_PAGE] = {"empty_page", FAULT_PAGE, FAULT_AT_LOGS, NULL, NULL},
    [FAULT_DUPLICATE] = {"duplicate", FAULT_PAGE, FAULT_AT_LOGS, "events", NULL},
    [FAULT_HUGE_EVENT] = {"huge_event", FAULT_EVENT, FAULT_AT_LOGS, "bytes", NULL},
    [FAULT_DEEP_JSON] = {"deep_json", FAULT_EVENT, FAULT_AT_LOGS, "levels", NULL},
    [FAULT_FOREIGN_LINK] = {"foreign_link", FAULT_LINK, FAULT_AT_LOGS, NULL, "host"},
    [FAULT_HTTP_LINK] = {"http_link", FAULT_LINK, FAULT_AT_LOGS, NULL, NULL},
    [FAULT_MISSING_NEXT] = {"missing_next", FAULT_LINK, FAULT_AT_LOGS, NULL, NULL},
    [FAULT_RESET_BODY] = {"reset_body", FAULT_BODY, ANYWHERE, "bytes", NULL},
    [FAULT_SLOW_BODY] = {"slow_body", FAULT_BODY, ANYWHERE, "bytes", NULL},
    [FAULT_STALL_BODY] = {"stall_body", FAULT_BODY, ANYWHERE, "bytes", NULL},
    [FAULT_WRONG_JSON] = {"wrong_json", FAULT_BODY, ANYWHERE, NULL, "style"},
    [FAULT_HTML] = {"html", FAULT_BODY, ANYWHERE, NULL, NULL},
    [FAULT_NOT_ARRAY] = {"not_array", FAULT_BODY, RESOURCES, NULL, NULL},
    [FAULT_SKEWED_DATE] = {"skewed_date", FAULT_HEADERS, ANYWHERE, "seconds", NULL},
    [FAULT_NO_RATE_HEADERS] = {"no_rate_headers", FAULT_HEADERS, ANYWHERE, NULL, NULL},
    [FAULT_EXPIRED_TOKEN] = {"expired_token", FAULT_INSTEAD, RESOURCES, NULL, NULL},
    [FAULT_USE_DPOP_NONCE] = {"use_dpop_nonce", FAULT_INSTEAD, ANYWHERE, NULL, NULL},
    [FAULT_INVALID_CLIENT] = {"invalid_client", FAULT_INSTEAD, FAULT_AT_TOKEN, NULL, NULL},
    [FAULT_ACCESS_DENIED] = {"access_denied", FAULT_INSTEAD, FAULT_AT_TOKEN, NULL, NULL},
    [FAULT_UNAVAILABLE] = {"temporarily_unavailable", FAULT_INSTEAD, FAULT_AT_TOKEN, NULL, NULL},
    [FAULT_DEAD_TOKEN] = {"dead_token", FAULT_PAGE, FAULT_AT_TOKEN, NULL, NULL},
};

const char *fault_kind_name(enum fault_kind kind) { return kinds[kind].name; }

void faults_fini(struct faults *f) {
    free(f->rules);
    *f = (struct faults){.rules = NULL};
}

void faults_clear(struct faults *f) { f->n = 0; }

static int find_kind(struct str name, enum fault_kind *ret, struct fault *fault) {
    const char *names[FAULT_KINDS];
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        names[i] = kinds[i].name;
        if (!str_eqz(name, names[i])) continue;
        *ret = (enum fault_kind)i;
        return 0;
    }
    const char *near = str_nearest(name, names, FAULT_KINDS);
    return fault_set(fault, FAULTS_E_BAD, "kind: \"%.*s\" is not a fault%s%s%s", STR_ARG(name),
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int bad(struct fault *fault, struct str key, const char *expected) {
    return fault_set(fault, FAULTS_E_BAD, "%.*s: expected %s", STR_ARG(key), expected);
}

static int set_number(int64_t *ret, struct str key, const struct json *v, struct fault *fault) {
    return json_i64(v, ret) ? 0 : bad(fault, key, "a whole number");
}

static int set_probability(struct fault_rule *rule, const struct json *v, struct fault *fault) {
    struct str text = json_number(v);
    bool good = text.p && parse_double(text, &rule->probability) && rule->probability >= 0 &&
                rule->probability <= 1;
    rule->by_count = false;
    return good ? 0 : bad(fault, STR("probability"), "a number from 0 to 1");
}

static int set_text(struct fault_rule *rule, struct str key, const struct json *v,
                    struct fault *fault) {
    struct str text = json_str(v);
    if (!text.p || text.n >= sizeof rule->text) return bad(fault, key, "a short string");
    memcpy(rule->text, text.p, text.n);
    rule->text[text.n] = '\0';
    return 0;
}

static int set_seed(struct fault_rule *rule, const struct json *v, struct fault *fault) {
    int64_t seed;
    int e = set_number(&seed, STR("seed"), v, fault);
    if (!e) rule->rand = rand_make((uint64_t)seed);
    return e;
}

static int set_places(struct fault_rule *rule, const struct json *v, struct fault *fault) {
    static const struct {
        const char *name;
        unsigned places;
    } places[] = {{"logs", FAULT_AT_LOGS},
                  {"token", FAULT_AT_TOKEN},
                  {"users", FAULT_AT_USERS},
                  {"factors", FAULT_AT_FACTORS},
                  {"verify", FAULT_AT_VERIFY},
                  {"poll", FAULT_AT_POLL},
                  {"any", ANYWHERE}};
    for (size_t i = 0; i < LEN(places); i++) {
        if (!str_eqz(json_str(v), places[i].name)) continue;
        rule->places = places[i].places & kinds[rule->kind].places;
        if (rule->places) return 0;
        return fault_set(fault, FAULTS_E_BAD, "path: a fault of kind %s does not strike there",
                         kinds[rule->kind].name);
    }
    return bad(fault, STR("path"), "logs, token, users, factors, verify, poll or any");
}

static int set_member(struct fault_rule *rule, struct str key, const struct json *v,
                      struct fault *fault) {
    const struct kind_row *row = &kinds[rule->kind];
    if (str_eqz(key, "kind")) return 0;
    if (str_eqz(key, "path")) return set_places(rule, v, fault);
    if (str_eqz(key, "count")) return set_number(&rule->count, key, v, fault);
    if (str_eqz(key, "probability")) return set_probability(rule, v, fault);
    if (str_eqz(key, "seed")) return set_seed(rule, v, fault);
    if (row->number && str_eqz(key, row->number)) return set_number(&rule->n, key, v, fault);
    if (row->text && str_eqz(key, row->text)) return set_text(rule, key, v, fault);
    if (rule->kind == FAULT_SLOW_BODY && str_eqz(key, "delay_ms"))
        return set_number(&rule->delay_ms, key, v, fault);
    if (rule->kind == FAULT_SLOW_BODY && str_eqz(key, "total_ms"))
        return set_number(&rule->total_ms, key, v, fault);
    return fault_set(fault, FAULTS_E_BAD, "%.*s: a fault of kind %s has no such parameter",
                     STR_ARG(key), row->name);
}

// Where a rule strikes that does not say.
static unsigned usual_places(enum fault_kind kind) {
    if (kind == FAULT_USE_DPOP_NONCE) return FAULT_AT_TOKEN;
    return kinds[kind].places & FAULT_AT_LOGS ? FAULT_AT_LOGS : kinds[kind].places;
}

int faults_add(struct faults *f, const struct json *object, struct fault *fault) {
    struct fault_rule rule = {
        .by_count = true, .count = 1, .n = -1, .delay_ms = -1, .total_ms = -1};
    rule.rand = rand_make(1);
    int e = find_kind(json_str(json_get(object, "kind")), &rule.kind, fault);
    rule.places = usual_places(rule.kind);
    struct json_iter it = json_iter(object);
    while (!e && json_next(&it)) e = set_member(&rule, it.key, it.value, fault);
    if (!e && rule.count < 0) e = bad(fault, STR("count"), "0 or more");
    if (!e) e = mem_grow(&f->rules, &f->cap, f->n + 1, sizeof *f->rules);
    if (e) return e;
    f->rules[f->n++] = rule;
    return 0;
}

static bool strikes(struct fault_rule *rule) {
    if (!rule->by_count) return rand_unit(&rule->rand) < rule->probability;
    if (rule->count <= 0) return false;
    rule->count--;
    return true;
}

const struct fault_rule *faults_draw(struct faults *f, enum fault_slot slot, unsigned place,
                                     uint64_t fits) {
    for (size_t i = 0; i < f->n; i++) {
        struct fault_rule *rule = &f->rules[i];
        if (!(rule->places & place) || kinds[rule->kind].slot != slot ||
            !(fits & FAULT_BIT(rule->kind)))
            continue;
        if (!strikes(rule)) continue;
        f->applied[rule->kind]++;
        return rule;
    }
    return NULL;
}

size_t faults_left(const struct faults *f) {
    size_t left = 0;
    for (size_t i = 0; i < f->n; i++) left += f->rules[i].by_count ? (size_t)f->rules[i].count : 1;
    return left;
}
