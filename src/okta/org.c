// SPDX-License-Identifier: Apache-2.0
// Requests of an org stand in lines, one for each bucket and class, and go when the bucket's budget
// lets them and what signs them in is there. The lines move on a timer only, never while a request
// is put in, so that no callback runs before that has returned.
#include "okta/org.h"

#include <assert.h>
#include <errno.h>

#include "base/time.h"
#include "okta/explain-internal.h"
#include "okta/org-internal.h"
#include "okta/rate.h"

enum { DEFAULT_TIMEOUT_MS = 30 * TIME_SECOND_MS, BODY_MAX_BYTES = 4096, HEADER_MAX_BYTES = 4096 };

const char *okta_bucket_name(enum okta_bucket b) {
    static const char *const names[] = {
        [OKTA_BUCKET_LOGS] = "logs",     [OKTA_BUCKET_TOKEN] = "token",
        [OKTA_BUCKET_USERS] = "users",   [OKTA_BUCKET_FACTORS] = "factors",
        [OKTA_BUCKET_VERIFY] = "verify",
    };
    return (size_t)b < LEN(names) ? names[b] : "unknown";
}

// ---- the lines ----

static struct okta_line *line_of(struct okta_call *call) {
    return &call->org->lines[call->bucket][call->class];
}

static void put_at(struct okta_call *call, struct okta_call **place) {
    call->place = place;
    call->next = *place;
    *place = call;
    if (call->next) call->next->place = &call->next;
    else line_of(call)->end = &call->next;
}

static void append(struct okta_call *call) { put_at(call, line_of(call)->end); }
static void put_first(struct okta_call *call) { put_at(call, &line_of(call)->first); }

// Thousands may wait, and all of them be taken back.
static void take_out(struct okta_call *call) {
    *call->place = call->next;
    if (call->next) call->next->place = call->place;
    else line_of(call)->end = call->place;
    call->next = NULL;
}

void okta_org_look(struct okta_org *org) { loop_timer_set(org->timer, 0); }

int okta_call_init(struct okta_call *call, struct okta_org *org, struct str url) {
    *call = (struct okta_call){
        .org = org,
        .method = "GET",
        .nonce = buf_make(4096),
        .body = buf_make(BODY_MAX_BYTES),
    };
    call->url = mem_copy(url.p, url.n);
    return call->url ? 0 : -ENOMEM;
}

void okta_call_fini(struct okta_call *call) {
    buf_fini(&call->nonce);
    buf_wipe(&call->body);
    for (size_t i = 0; i < call->header_count; i++) free(call->headers[i]);
    call->header_count = 0;
    free(TAKE(call->url));
}

// What a person's browser or proxy said of itself; of other bytes servers think differently.
static void add_printable(struct buf *out, struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] >= ' ' && value.p[i] <= '~') buf_addc(out, value.p[i]);
}

int okta_call_add_header(struct okta_call *call, const char *name, struct str value) {
    AUTO_FINI(buf) struct buf line = buf_make(HEADER_MAX_BYTES);
    AUTO_FINI(buf) struct buf clean = buf_make(HEADER_MAX_BYTES);
    add_printable(&clean, value);
    struct str text = str_trim(buf_str(&clean));
    if (text.n == 0 && !clean.error) return 0;
    buf_addf(&line, "%s: ", name);
    buf_add_str(&line, text);
    char *header = clean.error ? NULL : buf_take(&line);
    if (!header) return -ENOMEM;
    assert(call->header_count < OKTA_CALL_HEADERS_MAX);
    call->headers[call->header_count++] = header;
    return 0;
}

// ---- what goes and what comes back, as the limits see it ----

static void count_sent(struct okta_call *call) {
    budget_sent(&call->org->budgets[call->bucket], call->class);
    concurrency_sent(&call->org->concurrency, call->class);
}

static void count_answer(struct okta_call *call, int status, const struct rate_headers *rate) {
    struct okta_org *org = call->org;
    budget_answered(&org->budgets[call->bucket], status, rate, time_mono_ms());
    concurrency_answered(&org->concurrency, call->class, status, rate);
}

// ---- in and out of line ----

void okta_call_submit(struct okta_call *call) {
    call->number = ++call->org->calls;
    call->sendings = 0;
    append(call);
    okta_org_look(call->org);
}

void okta_call_cancel(struct okta_call *call) {
    struct okta_org *org = call->org;
    if (call->http) {
        call->http = http_cancel(call->http);
        org->running--;
        // Okta may have counted it all the same.
        count_answer(call, 0, &(struct rate_headers){.present = false});
    } else {
        take_out(call);
    }
    okta_org_look(org);
}

int64_t okta_call_wait_ms(const struct okta_call *call) {
    const struct okta_org *org = call->org;
    int64_t wait = budget_wait_ms(&org->budgets[call->bucket], call->class, time_mono_ms());
    return wait > 0 ? wait : concurrency_wait_ms(&org->concurrency, call->class);
}

// ---- sending ----

// Okta's clock counts for assertions and proofs (okta-api section 3.3).
static void learn_clock(struct okta_org *org, int64_t date_ms) {
    if (!date_ms) return;
    org->clock_known = true;
    org->clock_offset_ms = date_ms - time_now_ms();
}

bool okta_org_clock(const struct okta_org *org, int64_t *ret_offset_ms) {
    *ret_offset_ms = org->clock_offset_ms;
    return org->clock_known;
}

int64_t okta_org_now_ms(const struct okta_org *org) { return time_now_ms() + org->clock_offset_ms; }

// Some 429s are about one user, who tried too often: the others need not wait for that one
// (okta-api section 2.4).
static int status_for_budget(const struct okta_call *call, const struct http_response *response) {
    bool by_user = call->bucket != OKTA_BUCKET_TOKEN && call->bucket != OKTA_BUCKET_LOGS;
    if (response->status != 429 || !by_user) return response->status;
    struct str code = okta_error_code(call->org, response);
    return code.n == 0 || str_eq(code, STR(OKTA_CODE_RATE_LIMIT)) ? 429 : 400;
}

static void on_answer(void *ctx, const struct http_response *response) {
    struct okta_call *call = ctx;
    struct okta_org *org = call->org;
    struct rate_headers rate;
    okta_rate_read(response->headers, response->header_count, &rate);
    count_answer(call, status_for_budget(call, response), &rate);
    learn_clock(org, rate.date_ms);
    org->running--;
    call->http = NULL;
    okta_org_look(org);
    if (okta_auth_again(org->auth, call, response)) {
        put_first(call);
        return;
    }
    const struct okta_result result = {.response = response, .rate = rate};
    call->done(call, &result); // the org may be gone afterwards
}

static int send_signed(struct okta_call *call, struct okta_headers *headers) {
    struct okta_org *org = call->org;
    const char *lines[OKTA_HEADERS_MAX + OKTA_CALL_HEADERS_MAX];
    buf_addz(okta_headers_add(headers, "Accept"), "application/json");
    for (size_t i = 0; i < headers->n; i++) {
        lines[i] = buf_z(&headers->text[i]);
        if (!lines[i]) return -ENOMEM;
    }
    for (size_t i = 0; i < call->header_count; i++) lines[headers->n + i] = call->headers[i];
    const struct http_request request = {
        .method = call->method,
        .url = call->url,
        .body = call->body.n ? buf_str(&call->body) : buf_str(&headers->body),
        .headers = lines,
        .header_count = headers->n + call->header_count,
        .timeout_ms = org->timeout_ms,
        .max_body_bytes = call->into->max,
        .want_certificate = call->want_certificate,
        .into = call->into,
        .done = on_answer,
        .ctx = call,
    };
    return http_send(org->client, &request, &call->http);
}

static int send(struct okta_call *call) {
    struct okta_org *org = call->org;
    struct okta_headers headers = {.n = 0};
    int e = okta_auth_sign(org->auth, call, &headers);
    if (!e) e = send_signed(call, &headers);
    okta_headers_fini(&headers);
    if (e) return e;
    call->sendings++;
    count_sent(call);
    org->running++;
    return 0;
}

// Its callback may take the whole org away: nothing of it may be touched afterwards.
static void give_up(struct okta_call *call, const struct okta_failure *failure) {
    const struct okta_failure copy = *failure; // may be the org's own
    const struct okta_result result = {.failure = &copy};
    take_out(call);
    okta_org_look(call->org);
    call->done(call, &result);
}

static void cannot_send(struct okta_call *call, int e) {
    struct okta_failure failure = {.final = false};
    fault_set(&failure.fault, 0, "the request could not be made: %s", error_text(e));
    put_first(call); // where give_up takes it from
    give_up(call, &failure);
}

enum move { MOVE_SENT, MOVE_WAIT, MOVE_OVER };

// The first of a line. MOVE_WAIT: `*wait_ms` says how long at most. MOVE_OVER: a callback ran, the
// org may be gone.
static enum move move_first(struct okta_call *call, int64_t *wait_ms) {
    struct okta_org *org = call->org;
    bool needs_token = call->bucket != OKTA_BUCKET_TOKEN;
    const struct okta_failure *failure = needs_token ? okta_auth_failure(org->auth, call) : NULL;
    if (failure) {
        give_up(call, failure);
        return MOVE_OVER;
    }
    int64_t wait = okta_call_wait_ms(call);
    if (wait > 0) {
        if (wait < *wait_ms) *wait_ms = wait;
        return MOVE_WAIT;
    }
    if (needs_token && !okta_auth_ready(org->auth)) return MOVE_WAIT;
    take_out(call);
    int e = send(call);
    if (!e) return MOVE_SENT;
    cannot_send(call, e);
    return MOVE_OVER;
}

static struct okta_call *first_of(struct okta_org *org, enum okta_bucket bucket) {
    for (size_t c = 0; c < BUDGET_CLASS_COUNT; c++)
        if (org->lines[bucket][c].first) return org->lines[bucket][c].first;
    return NULL;
}

// Of the buckets that need not wait, the first one of whoever came first: they share what may be in
// flight, and nobody takes it all.
static struct okta_call *next_to_go(struct okta_org *org, const bool waits[OKTA_BUCKET_COUNT]) {
    struct okta_call *next = NULL;
    for (size_t b = 0; b < OKTA_BUCKET_COUNT; b++) {
        struct okta_call *call = waits[b] ? NULL : first_of(org, (enum okta_bucket)b);
        if (call && (!next || call->number < next->number)) next = call;
    }
    return next;
}

static void on_timer(void *ctx) {
    struct okta_org *org = ctx;
    int64_t wait_ms = INT64_MAX;
    bool waits[OKTA_BUCKET_COUNT] = {false};
    for (struct okta_call *call; (call = next_to_go(org, waits));) {
        enum okta_bucket bucket = call->bucket;
        enum move move = move_first(call, &wait_ms);
        if (move == MOVE_OVER) return;
        if (move == MOVE_WAIT) waits[bucket] = true;
    }
    if (wait_ms < INT64_MAX) loop_timer_set(org->timer, wait_ms);
    else loop_timer_cancel(org->timer);
}

// ---- the org ----

// "acme-admin.okta.com" is the console: it asks browsers to sign in and knows no tokens.
int okta_check_host(const struct http_origin *origin, const char *key, struct fault *fault) {
    static const char *const consoles[] = {
        "-admin.okta.com",     "-admin.oktapreview.com", "-admin.okta-emea.com",
        "-admin.okta-gov.com", "-admin.okta.mil",
    };
    struct str host = str_from(origin->host);
    for (size_t i = 0; i < LEN(consoles); i++)
        if (str_ends(host, str_from(consoles[i])))
            return fault_set(fault, -EINVAL,
                             "%s: %s is the org's administration console; the API is at the "
                             "host without \"-admin\"",
                             key, origin->host);
    if (strcmp(origin->scheme, "https") != 0 && !http_origin_is_loopback(origin))
        return fault_set(fault, -EINVAL,
                         "%s must begin with https://, or the credentials would travel in "
                         "clear text (http:// is for this machine's loopback only)",
                         key);
    return 0;
}

static uint64_t seed(const struct okta_org *org, size_t i) {
    return (uint64_t)time_now_ms() ^ (uint64_t)(uintptr_t)org ^ (uint64_t)i << 32;
}

static void make_lines(struct okta_org *org, double early_limit) {
    org->concurrency = concurrency_make();
    for (size_t b = 0; b < OKTA_BUCKET_COUNT; b++) {
        org->budgets[b] = budget_make(early_limit, seed(org, b));
        for (size_t c = 0; c < BUDGET_CLASS_COUNT; c++)
            org->lines[b][c].end = &org->lines[b][c].first;
    }
}

int okta_org_new(struct okta_org **ret, struct loop *loop, const struct okta_org_opts *opts,
                 struct fault *fault) {
    AUTO(okta_org) struct okta_org *org = mem_new(sizeof *org);
    if (!org) return -ENOMEM;
    org->timeout_ms = opts->http_client_timeout_ms;
    if (org->timeout_ms <= 0) org->timeout_ms = DEFAULT_TIMEOUT_MS;
    make_lines(org, opts->rate_limit_early_limit);
    int e = http_origin_parse(str_from(opts->url), &org->origin, fault);
    if (!e && !opts->allow_any_url) e = okta_check_host(&org->origin, "url", fault);
    if (!e) e = json_reader_new(&org->reader);
    if (!e) e = loop_timer_new(&org->timer, loop, on_timer, org);
    if (!e) e = http_client_new(&org->client, loop, &opts->http, fault);
    if (!e) e = okta_auth_new(&org->auth, org, &opts->credentials, opts->allow_any_url, fault);
    if (e) return e;
    *ret = TAKE(org);
    return 0;
}

struct okta_org *okta_org_free(struct okta_org *org) {
    if (!org) return NULL;
    org->auth = okta_auth_free(org->auth); // gives up a request for a token of its own
    for (size_t b = 0; b < OKTA_BUCKET_COUNT; b++) assert(!first_of(org, (enum okta_bucket)b));
    assert(org->running == 0);
    http_client_free(org->client);
    loop_timer_free(org->timer);
    json_reader_free(org->reader);
    free(org);
    return NULL;
}

const struct budget *okta_org_budget(const struct okta_org *org, enum okta_bucket bucket) {
    return &org->budgets[bucket];
}

const struct concurrency *okta_org_concurrency(const struct okta_org *org) {
    return &org->concurrency;
}
