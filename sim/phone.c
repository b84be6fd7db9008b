// SPDX-License-Identifier: Apache-2.0
#include "sim/phone.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "json/write.h"

#define UNKNOWN_RESULT "SOMETHING_NEW"

static const char *const deeds[PHONE_DEEDS] = {
    [PHONE_IGNORE] = "ignore", [PHONE_APPROVE] = "approve",
    [PHONE_DENY] = "deny",     [PHONE_WRONG_NUMBER] = "wrong_number",
    [PHONE_CANCEL] = "cancel", [PHONE_UNKNOWN] = "unknown",
};

static const char *const troubles[PHONE_TROUBLES] = {
    [PHONE_NO_TROUBLE] = "none",
    [PHONE_VERIFY_429] = "verify_429",
    [PHONE_VERIFY_500] = "verify_500",
    [PHONE_VERIFY_503] = "verify_503",
    [PHONE_VERIFY_LOST] = "verify_lost",
    [PHONE_POLL_404] = "poll_404",
    [PHONE_POLL_429] = "poll_429",
    [PHONE_POLL_500] = "poll_500",
    [PHONE_POLL_503] = "poll_503",
    [PHONE_POLL_LOST] = "poll_lost",
    [PHONE_FOREIGN_HOST] = "foreign_host",
    [PHONE_HTTP_LINK] = "http_link",
    [PHONE_FOREIGN_USER] = "foreign_user",
    [PHONE_FOREIGN_FACTOR] = "foreign_factor",
    [PHONE_MALFORMED_LINK] = "malformed_link",
    [PHONE_NO_LINK] = "no_link",
};

void phone_fini(struct phone *p) {
    free(p->steps);
    *p = (struct phone){.steps = NULL};
}

static int find(const char *const *names, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eqz(name, names[i])) return (int)i;
    return -1;
}

const char *phone_deed_name(enum phone_deed deed) { return deeds[deed]; }

bool phone_read_deed(enum phone_deed *ret, struct str name) {
    int i = find(deeds, PHONE_DEEDS, name);
    if (i >= 0) *ret = (enum phone_deed)i;
    return i >= 0;
}

// ---- reading

static int bad(struct fault *fault, const char *expected) {
    return fault_set(fault, PHONE_E_BAD, "expected %s", expected);
}

static int not_one_of(const char *const *names, size_t n, struct str name, const char *what,
                      struct fault *fault) {
    const char *near = str_nearest(name, names, n);
    return fault_set(fault, PHONE_E_BAD, "\"%.*s\" is not %s%s%s%s", STR_ARG(name), what,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int read_deed(struct phone_step *step, const struct json *v, struct fault *fault) {
    if (phone_read_deed(&step->deed, json_str(v))) return 0;
    return not_one_of(deeds, PHONE_DEEDS, json_str(v), "what a phone does", fault);
}

static int read_after(struct phone_step *step, const struct json *v, struct fault *fault) {
    int64_t seconds;
    if (json_i64(v, &seconds) && seconds >= 0 && seconds <= TIME_DAY_MS) {
        step->after_ms = seconds * TIME_SECOND_MS;
        return 0;
    }
    bool good = parse_duration_ms(json_str(v), &step->after_ms) && step->after_ms >= 0;
    return good ? 0 : bad(fault, "seconds, or a duration such as \"3s\"");
}

static int read_trouble(struct phone_step *step, const struct json *v, struct fault *fault) {
    int i = find(troubles, PHONE_TROUBLES, json_str(v));
    if (i < 0) return not_one_of(troubles, PHONE_TROUBLES, json_str(v), "a trouble", fault);
    step->trouble = (enum phone_trouble)i;
    return 0;
}

static int read_count(int64_t *place, const struct json *v, struct fault *fault) {
    int64_t n;
    if (!json_i64(v, &n) || n < 0) return bad(fault, "a whole number of 0 or more");
    *place = n;
    return 0;
}

static int read_polls(struct phone_step *step, const struct json *v, struct fault *fault) {
    return read_count(&step->polls, v, fault);
}

static int read_times(struct phone_step *step, const struct json *v, struct fault *fault) {
    return read_count(&step->times, v, fault);
}

static int read_result(struct phone_step *step, const struct json *v, struct fault *fault) {
    struct str text = json_str(v);
    if (!text.n || text.n >= sizeof step->result) return bad(fault, "a short string");
    snprintf(step->result, sizeof step->result, "%.*s", STR_ARG(text));
    return 0;
}

static const struct member {
    const char *key;
    int (*read)(struct phone_step *step, const struct json *v, struct fault *fault);
} members[] = {
    {"do", read_deed},     {"after", read_after}, {"trouble", read_trouble},
    {"polls", read_polls}, {"times", read_times}, {"result", read_result},
};

static int read_member(struct phone_step *step, struct str key, const struct json *v,
                       struct fault *fault) {
    const char *names[LEN(members)];
    for (size_t i = 0; i < LEN(members); i++) {
        names[i] = members[i].key;
        if (!str_eqz(key, names[i])) continue;
        struct fault inner = {.text = ""};
        int e = members[i].read(step, v, &inner);
        return e > 0 ? fault_set(fault, e, "%s: %s", names[i], inner.text) : e;
    }
    return not_one_of(names, LEN(names), key, "known here", fault);
}

static int read_step(struct phone_step *step, const struct json *v, struct fault *fault) {
    *step = (struct phone_step){.deed = PHONE_IGNORE, .polls = 1, .times = 1};
    snprintf(step->result, sizeof step->result, UNKNOWN_RESULT);
    if (json_type(v) == JSON_STRING) return read_deed(step, v, fault);
    if (json_type(v) != JSON_OBJECT) return bad(fault, "a deed such as \"approve\", or an object");
    struct json_iter it = json_iter(v);
    int e = 0;
    while (!e && json_next(&it)) e = read_member(step, it.key, it.value, fault);
    return e;
}

static int add_step(struct phone *p, size_t *cap, const struct json *v, struct fault *fault) {
    struct phone_step step;
    int e = read_step(&step, v, fault);
    if (!e) e = mem_grow(&p->steps, cap, p->n + 1, sizeof *p->steps);
    if (!e) p->steps[p->n++] = step;
    return e;
}

static int read_steps(struct phone *fresh, const struct json *script, struct fault *fault) {
    size_t cap = 0;
    if (json_type(script) != JSON_ARRAY) return add_step(fresh, &cap, script, fault);
    struct json_iter it = json_iter(script);
    int e = 0;
    while (!e && json_next(&it)) e = add_step(fresh, &cap, it.value, fault);
    return e;
}

int phone_read(struct phone *p, const struct json *script, struct fault *fault) {
    struct phone fresh = {.steps = NULL};
    int e = read_steps(&fresh, script, fault);
    if (e) {
        phone_fini(&fresh);
        return e;
    }
    free(p->steps);
    p->steps = fresh.steps;
    p->n = fresh.n;
    p->next = 0;
    return 0;
}

struct phone_step phone_next(struct phone *p, enum phone_deed usual) {
    if (p->n == 0) return (struct phone_step){.deed = usual, .times = 1, .result = UNKNOWN_RESULT};
    struct phone_step step = p->steps[p->next];
    if (p->next + 1 < p->n) p->next++;
    return step;
}

// ---- writing

static void add_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

static void add_text(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    json_add_text(out, str_from(value));
}

static void write_step(struct buf *out, const struct phone_step *step) {
    json_open(out, '{');
    add_text(out, "do", deeds[step->deed]);
    json_key(out, STR("after"));
    buf_addf(out, "\"%lldms\"", (long long)step->after_ms);
    if (step->trouble != PHONE_NO_TROUBLE) {
        add_text(out, "trouble", troubles[step->trouble]);
        add_number(out, "polls", step->polls);
        add_number(out, "times", step->times);
    }
    if (step->deed == PHONE_UNKNOWN) add_text(out, "result", step->result);
    json_close(out, '}');
}

void phone_write_script(struct buf *out, const struct phone *p) {
    json_open(out, '[');
    for (size_t i = p->next; i < p->n; i++) write_step(out, &p->steps[i]);
    json_close(out, ']');
}

static void add_count(struct buf *out, const char *key, const struct phone_count *count) {
    json_key(out, str_from(key));
    json_open(out, '{');
    add_number(out, "asked", (int64_t)count->asked);
    add_number(out, "refused", (int64_t)count->refused);
    json_close(out, '}');
}

void phone_add_counts(struct buf *out, const struct phone *p) {
    add_count(out, "verify", &p->verify);
    add_count(out, "polls", &p->polls);
    add_count(out, "cancels", &p->cancels);
    add_number(out, "pushes", (int64_t)p->pushes);
    add_number(out, "waiting", (int64_t)p->waiting);
    add_number(out, "overlapping", (int64_t)p->overlapping);
    add_number(out, "right_codes", (int64_t)p->right_codes);
    add_number(out, "wrong_codes", (int64_t)p->wrong_codes);
}
