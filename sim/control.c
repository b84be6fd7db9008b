// SPDX-License-Identifier: Apache-2.0
// One row per call. A handler fills in the answer or refuses with a text that says what was wrong
// with the body.
#include "sim/control.h"

#include <errno.h>

#include "base/time.h"
#include "sim/control-call.h"
#include "sim/control-settings.h"
#include "sim/control-stats.h"
#include "sim/ingest.h"
#include "json/write.h"

enum { ANSWER_MAX_BYTES = 1 << 30 };

void control_add_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

void control_add_text(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    json_add_text(out, str_from(value));
}

void control_add_instant(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    control_add_text(out, key, text);
}

static int bad(struct control_call *call, const char *key, const char *expected) {
    return fault_set(call->fault, CONTROL_E_BAD, "%s: expected %s", key, expected);
}

static int put_events(struct control_call *call) {
    int64_t now_ms = simclock_now(&call->sim->clock);
    struct ingest in = {.store = call->sim->store,
                        .reader = call->sim->reader,
                        .now_ms = now_ms,
                        .persisted_given = true,
                        .persisted_ms = now_ms};
    struct str persisted = args_get(call->args, "persisted");
    if (str_eqz(persisted, "published")) in.persisted_given = false;
    else if (persisted.p && !time_parse_iso8601(persisted, &in.persisted_ms))
        return bad(call, "persisted", "an instant, or \"published\"");
    size_t n;
    int e = ingest_text(&in, call->request->body, &n, call->fault);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    control_add_number(call->out, "added", (int64_t)n);
    control_add_number(call->out, "events", (int64_t)store_count(call->sim->store));
    return 0;
}

static int read_i64(struct control_call *call, const char *key, int64_t min, int64_t *value) {
    const struct json *v = json_get(call->body, key);
    if (!v || (json_i64(v, value) && *value >= min)) return 0;
    return bad(call, key, min > 0 ? "a whole number above 0" : "a whole number of 0 or more");
}

static int generate(struct control_call *call) {
    int64_t n = 0, seed = 1, span_ms = TIME_DAY_MS;
    int64_t now_ms = simclock_now(&call->sim->clock);
    int e = read_i64(call, "n", 1, &n);
    if (!e && n == 0) e = bad(call, "n", "a whole number above 0");
    if (!e) e = read_i64(call, "seed", 0, &seed);
    if (!e) e = control_read_duration(call->body, "span", &span_ms, call->fault);
    if (e) return CONTROL_E_BAD;
    struct generate_opts opts = {
        .n = (size_t)n, .seed = (uint64_t)seed, .from_ms = now_ms - span_ms, .until_ms = now_ms};
    e = generator_run(call->sim->generator, &opts, call->sim->store);
    if (e) return e;
    control_add_number(call->out, "added", n);
    control_add_number(call->out, "events", (int64_t)store_count(call->sim->store));
    return 0;
}

static int get_clock(struct control_call *call) {
    control_add_instant(call->out, "now", simclock_now(&call->sim->clock));
    json_key(call->out, STR("speed"));
    buf_addf(call->out, "%g", call->sim->clock.speed);
    return 0;
}

static int set_clock(struct control_call *call) {
    int64_t now_ms = simclock_now(&call->sim->clock);
    double speed = call->sim->clock.speed;
    int e = control_read_clock(call->body, &now_ms, &speed, call->fault);
    if (e) return CONTROL_E_BAD;
    call->sim->clock = simclock_make(now_ms, speed);
    return get_clock(call);
}

static int get_faults(struct control_call *call) {
    control_add_number(call->out, "left", (int64_t)faults_left(&call->sim->faults));
    control_add_applied(call->out, &call->sim->faults);
    return 0;
}

static int add_fault(struct control_call *call) {
    int e = faults_add(&call->sim->faults, call->body, call->fault);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    return get_faults(call);
}

static int clear_faults(struct control_call *call) {
    faults_clear(&call->sim->faults);
    return get_faults(call);
}

static bool wants_reset(const struct control_call *call) {
    return str_eqz(args_get(call->args, "reset"), "1");
}

static int get_requests(struct control_call *call) {
    buf_reset(call->out);
    record_write(call->out, &call->sim->record);
    if (wants_reset(call)) record_clear(&call->sim->record);
    return 0;
}

static void forget_counts(struct sim *sim) {
    record_clear(&sim->record);
    memset(sim->faults.applied, 0, sizeof sim->faults.applied);
    sim->limits.highest_in_progress = sim->limits.in_progress;
    memset(sim->limits.highest, 0, sizeof sim->limits.highest);
    sim->oauth.issued = sim->oauth.renewed = 0;
}

static int get_stats(struct control_call *call) {
    control_add_stats(call->out, call->sim);
    if (wants_reset(call)) forget_counts(call->sim);
    return 0;
}

static int set_token(struct control_call *call) {
    return control_set_token(call->sim, call->body, call->fault);
}

static int get_settings(struct control_call *call) {
    control_add_settings(call->out, call->sim);
    return 0;
}

static int set_settings(struct control_call *call) {
    int e = control_set_settings(call->sim, call->body, call->fault);
    return e ? CONTROL_E_BAD : get_settings(call);
}

static int reset(struct control_call *call) {
    struct sim *sim = call->sim;
    faults_clear(&sim->faults);
    limits_clear_windows(&sim->limits);
    for (size_t i = 0; i < sim->oauth.apps.n; i++)
        limits_clear_principal(&sim->oauth.apps.each[i]->principal);
    forget_counts(sim);
    sim->page->n = 0;
    int e = json_bool(json_get(call->body, "events")) ? sim_drop_events(sim) : 0;
    if (!e) control_add_number(call->out, "events", (int64_t)store_count(sim->store));
    return e;
}

static const struct route {
    const char *method, *path;
    int (*handle)(struct control_call *call);
    enum { NO_JSON, OBJECT, OBJECT_OR_ARRAY } reads; // of JSON, in its body (or empty)
} routes[] = {
    {"POST", "/_sim/events", put_events, NO_JSON},
    {"POST", "/_sim/generate", generate, OBJECT},
    {"GET", "/_sim/clock", get_clock, NO_JSON},
    {"POST", "/_sim/clock", set_clock, OBJECT},
    {"GET", "/_sim/faults", get_faults, NO_JSON},
    {"POST", "/_sim/faults", add_fault, OBJECT},
    {"DELETE", "/_sim/faults", clear_faults, NO_JSON},
    {"GET", "/_sim/requests", get_requests, NO_JSON},
    {"GET", "/_sim/stats", get_stats, NO_JSON},
    {"POST", "/_sim/tokens", set_token, OBJECT},
    {"POST", "/_sim/tokens/revoke", control_revoke_tokens, NO_JSON},
    {"POST", "/_sim/nonces/rotate", control_rotate_nonces, NO_JSON},
    {"GET", "/_sim/apps", control_get_apps, NO_JSON},
    {"POST", "/_sim/apps", control_set_app, OBJECT_OR_ARRAY},
    {"DELETE", "/_sim/apps", control_remove_app, NO_JSON},
    {"GET", "/_sim/users", control_get_users, NO_JSON},
    {"POST", "/_sim/users", control_set_users, OBJECT_OR_ARRAY},
    {"DELETE", "/_sim/users", control_remove_users, NO_JSON},
    {"GET", "/_sim/phones", control_get_phones, NO_JSON},
    {"POST", "/_sim/phones", control_set_phone, OBJECT},
    {"GET", "/_sim/pushes", control_get_pushes, NO_JSON},
    {"DELETE", "/_sim/pushes", control_forget_pushes, NO_JSON},
    {"POST", "/_sim/pushes/answer", control_answer_push, OBJECT},
    {"POST", "/_sim/signals", control_signal, OBJECT},
    {"GET", "/_sim/phone", control_phone_page, NO_JSON},
    {"GET", "/_sim/settings", get_settings, NO_JSON},
    {"POST", "/_sim/settings", set_settings, OBJECT},
    {"POST", "/_sim/reset", reset, OBJECT},
};

// The route; else NULL, and whether the path exists with another method.
static const struct route *find_route(const struct request *request, bool *ret_other_method) {
    *ret_other_method = false;
    for (size_t i = 0; i < LEN(routes); i++) {
        if (!str_eqz(request->path, routes[i].path)) continue;
        if (str_eqz(request->method, routes[i].method)) return &routes[i];
        *ret_other_method = true;
    }
    return NULL;
}

static int read_json(struct control_call *call, bool takes_array) {
    if (str_trim(call->request->body).n == 0) return 0;
    int e = json_read(call->sim->reader, call->request->body, &call->body, call->fault);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    bool is_array = json_type(call->body) == JSON_ARRAY;
    if (json_type(call->body) == JSON_OBJECT || (is_array && takes_array)) return 0;
    return fault_set(call->fault, CONTROL_E_BAD, "expected a JSON object%s",
                     takes_array ? " or array" : "");
}

static int run(struct control_call *call, const struct route *route) {
    struct args args = {.n = 0};
    int e = args_parse(&args, call->request->query.p ? call->request->query : STR(""));
    if (e > 0) e = fault_set(call->fault, CONTROL_E_BAD, "the query is not URL-encoded");
    call->args = &args;
    if (!e && route->reads) e = read_json(call, route->reads == OBJECT_OR_ARRAY);
    json_open(call->out, '{');
    if (!e) e = route->handle(call);
    if (!e && call->out->n && call->out->p[0] == '{') json_close(call->out, '}');
    args_fini(&args);
    return e;
}

static void refuse(struct reply *reply, int status, const char *why) {
    reply->status = status;
    buf_reset(&reply->body);
    json_open(&reply->body, '{');
    json_key(&reply->body, STR("error"));
    json_add_text(&reply->body, str_from(why));
    json_close(&reply->body, '}');
}

int control_answer(struct sim *sim, const struct request *request, struct reply *reply) {
    struct fault fault = {.text = ""};
    bool other_method;
    const struct route *route = find_route(request, &other_method);
    struct control_call call = {
        .sim = sim, .request = request, .reply = reply, .out = &reply->body, .fault = &fault};
    bool page = route && route->handle == control_phone_page;
    reply_header(reply, "content-type", page ? "text/html;charset=utf-8" : "application/json");
    reply->body.max = ANSWER_MAX_BYTES;
    int e = request->loopback && route ? run(&call, route) : 0;
    if (e < 0) return e;
    if (!request->loopback) refuse(reply, 403, "the control API answers only to this machine");
    else if (!route && other_method) refuse(reply, 405, "this call has another method");
    else if (!route) refuse(reply, 404, "there is no such call; see docs/simulator.md");
    else if (e) refuse(reply, 400, fault.text);
    return 0;
}
