// SPDX-License-Identifier: Apache-2.0
// Requests of an org stand in one line and go when its rate budget lets them. The line moves on a
// timer only, never inside okta_log_get, so that no callback runs before that has returned.
#include <assert.h>
#include <errno.h>

#include "base/time.h"
#include "okta/org-internal.h"
#include "okta/rate.h"

enum { DEFAULT_TIMEOUT_MS = 30 * TIME_SECOND_MS };

static const char authorization_prefix[] = "Authorization: SSWS ";

static struct okta_log_call *call_free(struct okta_log_call *call) {
    if (!call) return NULL;
    buf_fini(&call->next_url);
    free(call->url);
    free(call);
    return NULL;
}

static void enqueue(struct okta_org *org, struct okta_log_call *call) {
    *org->waiting_end = call;
    org->waiting_end = &call->next;
}

static struct okta_log_call *dequeue(struct okta_org *org) {
    struct okta_log_call *call = org->waiting;
    org->waiting = call->next;
    if (!org->waiting) org->waiting_end = &org->waiting;
    call->next = NULL;
    return call;
}

static void dequeue_this(struct okta_org *org, const struct okta_log_call *call) {
    struct okta_log_call **at = &org->waiting;
    while (*at != call) at = &(*at)->next;
    *at = call->next;
    if (!*at) org->waiting_end = at;
}

// Time or an answer may have changed what the budget allows.
static void look_at_line(struct okta_org *org) {
    if (org->waiting) loop_timer_set(org->timer, 0);
    else loop_timer_cancel(org->timer);
}

static void on_answer(void *ctx, const struct http_response *response) {
    struct okta_log_call *call = ctx;
    struct okta_org *org = call->org;
    int64_t now = time_mono_ms();
    struct rate_headers rate;
    okta_rate_read(response->headers, response->header_count, &rate);
    budget_answered(&org->budget, response->status, &rate, now);
    org->running--;
    call->http = NULL;
    look_at_line(org);

    struct okta_log_answer answer = {.http = response, .date_ms = rate.date_ms};
    okta_log_judge(call, response, &answer);
    if (answer.result == OKTA_LOG_RATE_LIMITED) {
        answer.concurrency = budget_is_concurrency(response->status, &rate);
        answer.wait_ms = budget_wait_ms(&org->budget, now);
    }
    call->done(call->ctx, &answer); // the org may be gone afterwards
    call_free(call);
}

static int send(struct okta_org *org, struct okta_log_call *call) {
    const char *headers[] = {org->authorization, "Accept: application/json"};
    struct http_request request = {
        .url = call->url,
        .headers = headers,
        .header_count = LEN(headers),
        .timeout_ms = org->timeout_ms,
        .max_body_bytes = call->into->max,
        .want_certificate = call->want_certificate,
        .into = call->into,
        .done = on_answer,
        .ctx = call,
    };
    int e = http_get(org->client, &request, &call->http);
    if (e) return e;
    budget_sent(&org->budget);
    org->running++;
    return 0;
}

static void give_up(struct okta_log_call *call, int e) {
    struct okta_log_answer answer = {.result = OKTA_LOG_RETRY};
    fault_set(&answer.fault, 0, "the request could not be made: %s", error_text(e));
    call->done(call->ctx, &answer);
    call_free(call);
}

static void on_timer(void *ctx) {
    struct okta_org *org = ctx;
    while (org->waiting) {
        int64_t wait_ms = budget_wait_ms(&org->budget, time_mono_ms());
        if (wait_ms > 0) {
            loop_timer_set(org->timer, wait_ms);
            return;
        }
        struct okta_log_call *call = dequeue(org);
        int e = send(org, call);
        if (e) {
            look_at_line(org);
            give_up(call, e); // the org may be gone afterwards
            return;
        }
    }
}

static bool is_token(const char *key) {
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~') return false;
    return key[0] != '\0';
}

static int check_key(const char *key, struct fault *fault) {
    if (!key || !is_token(key))
        return fault_set(fault, -EINVAL,
                         "api_key is not an API token: it is empty, or holds a blank, a line "
                         "break or another character that no token has (the word SSWS does not "
                         "belong to it)");
    return 0;
}

// "acme-admin.okta.com" is the console: it asks browsers to sign in and knows no tokens.
static int check_host(const struct http_origin *origin, struct fault *fault) {
    static const char *const consoles[] = {
        "-admin.okta.com",     "-admin.oktapreview.com", "-admin.okta-emea.com",
        "-admin.okta-gov.com", "-admin.okta.mil",
    };
    struct str host = str_from(origin->host);
    for (size_t i = 0; i < LEN(consoles); i++)
        if (str_ends(host, str_from(consoles[i])))
            return fault_set(fault, -EINVAL,
                             "%s is the org's administration console; the API is at the host "
                             "without \"-admin\"",
                             origin->host);
    if (strcmp(origin->scheme, "https") != 0 && !http_origin_is_loopback(origin))
        return fault_set(fault, -EINVAL,
                         "the url must begin with https://, or the API token would travel in "
                         "clear text (http:// is for this machine's loopback only)");
    return 0;
}

static int set_authorization(struct okta_org *org, const char *key) {
    size_t prefix = sizeof authorization_prefix - 1;
    size_t n = strlen(key);
    org->authorization = mem_new(prefix + n + 1);
    if (!org->authorization) return -ENOMEM;
    memcpy(org->authorization, authorization_prefix, prefix);
    memcpy(org->authorization + prefix, key, n);
    org->api_key = (struct str){org->authorization + prefix, n};
    return 0;
}

static uint64_t seed(const struct okta_org *org) {
    return (uint64_t)time_now_ms() ^ (uint64_t)(uintptr_t)org;
}

int okta_org_new(struct okta_org **ret, struct loop *loop, const struct okta_org_opts *opts,
                 struct fault *fault) {
    AUTO(okta_org) struct okta_org *org = mem_new(sizeof *org);
    if (!org) return -ENOMEM;
    org->waiting_end = &org->waiting;
    org->timeout_ms = opts->http_client_timeout_ms;
    if (org->timeout_ms <= 0) org->timeout_ms = DEFAULT_TIMEOUT_MS;
    org->budget = budget_make(opts->rate_limit_early_limit, seed(org));
    int e = http_origin_parse(str_from(opts->url), &org->origin, fault);
    if (!e) e = check_host(&org->origin, fault);
    if (!e) e = check_key(opts->api_key, fault);
    if (!e) e = set_authorization(org, opts->api_key);
    if (!e) e = json_reader_new(&org->reader);
    if (!e) e = loop_timer_new(&org->timer, loop, on_timer, org);
    if (!e) e = http_client_new(&org->client, loop, &opts->http, fault);
    if (e) return e;
    *ret = TAKE(org);
    return 0;
}

struct okta_org *okta_org_free(struct okta_org *org) {
    if (!org) return NULL;
    assert(!org->waiting && org->running == 0);
    http_client_free(org->client);
    loop_timer_free(org->timer);
    json_reader_free(org->reader);
    if (org->authorization) explicit_bzero(org->authorization, strlen(org->authorization));
    free(org->authorization);
    free(org);
    return NULL;
}

const struct budget *okta_org_budget(const struct okta_org *org) { return &org->budget; }

bool okta_log_is_own(const struct okta_org *org, struct str url) {
    struct http_origin origin;
    return http_origin_parse(url, &origin, NULL) == 0 && http_origin_eq(&origin, &org->origin);
}

int okta_log_get(struct okta_org *org, const struct okta_log_request *request,
                 struct okta_log_call **ret) {
    struct str url = str_from(request->url);
    if (!okta_log_is_own(org, url)) return -EINVAL;
    struct okta_log_call *call = mem_new(sizeof *call);
    char *copy = mem_copy(url.p, url.n);
    if (!call || !copy) {
        free(call);
        free(copy);
        return -ENOMEM;
    }
    *call = (struct okta_log_call){
        .org = org,
        .url = copy,
        .next_url = buf_make(SIZE_MAX),
        .into = request->into,
        .want_certificate = request->want_certificate,
        .done = request->done,
        .ctx = request->ctx,
    };
    enqueue(org, call);
    look_at_line(org);
    *ret = call;
    return 0;
}

struct okta_log_call *okta_log_cancel(struct okta_log_call *call) {
    if (!call) return NULL;
    struct okta_org *org = call->org;
    if (call->http) {
        http_cancel(call->http);
        org->running--;
        // Okta may have counted it all the same.
        budget_answered(&org->budget, 0, &(struct rate_headers){.present = false}, time_mono_ms());
    } else {
        dequeue_this(org, call);
    }
    look_at_line(org);
    call_free(call);
    return NULL;
}
