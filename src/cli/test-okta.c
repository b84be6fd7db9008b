// SPDX-License-Identifier: Apache-2.0
// `test okta`: one small request per source, and what each step of it says. A step that failed is
// the last.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "cli/test.h"
#include "daemon/plan.h"
#include "daemon/settings.h"
#include "loop/loop.h"
#include "json/split.h"

enum { PAGE_MAX_BYTES = 4 << 20 };

struct probe {
    struct loop *loop;
    const struct settings_source *settings;
    const struct watch_source_opts *source;
    const struct http_origin *origin;
    bool failed;
};

static void step(struct probe *p, bool ok, const char *what, const char *detail) {
    print_step(ok, what, detail);
    if (!ok) p->failed = true;
}

// Up to which step a request came that got no answer.
static int steps_reached(enum http_result r) {
    switch (r) {
    case HTTP_DNS: return 0;
    case HTTP_CONNECT:
    case HTTP_PROXY: return 1;
    case HTTP_TLS: return 2;
    default: return 3;
    }
}

static const char *const verified[] = {
    [SETTINGS_VERIFY_FULL] = "certificate and name verified",
    [SETTINGS_VERIFY_CERTIFICATE] = "certificate verified, name NOT verified",
    [SETTINGS_VERIFY_STRICT] = "certificate and name verified",
    [SETTINGS_VERIFY_NONE] = "NOTHING verified",
};

static void show_tls(struct probe *p, const struct http_response *http) {
    char text[128];
    if (!http->tls_version[0]) return; // plain http, or a connection that was there already
    int64_t days = (http->certificate_expires_ms - time_now_ms()) / TIME_DAY_MS;
    snprintf(text, sizeof text, "%s, %s", http->tls_version,
             verified[p->settings->ssl.verification_mode]);
    step(p, true, "TLS", text);
    if (http->certificate_expires_ms <= 0) return;
    snprintf(text, sizeof text, "%" PRId64 " days left", days);
    step(p, true, "certificate", text);
}

// How far the first request to that origin came. `why` is what a person is told when it did not
// come through.
static void show_connection(struct probe *p, const struct http_origin *origin,
                            const struct http_response *http, const char *why) {
    const char *names[] = {"name resolution", "connection", "TLS", "answer"};
    int reached = http->result == HTTP_OK ? 4 : steps_reached(http->result);
    char text[320];
    snprintf(text, sizeof text, "%s", origin->host);
    step(p, reached > 0, names[0], reached > 0 ? text : why);
    if (reached == 0) return;
    snprintf(text, sizeof text, "port %d", origin->port);
    step(p, reached > 1, names[1], reached > 1 ? text : why);
    if (reached == 1) return;
    if (reached == 2) step(p, false, names[2], why);
    if (reached > 2) show_tls(p, http);
    if (reached == 3) step(p, false, names[3], why);
}

static void show_clock(struct probe *p) {
    char text[96];
    int64_t offset_ms;
    if (!okta_org_clock(p->source->org, &offset_ms)) return;
    int64_t off_s = offset_ms / 1000;
    bool fine = off_s > -60 && off_s < 60;
    if (fine) snprintf(text, sizeof text, "within a minute of Okta's");
    else
        snprintf(text, sizeof text,
                 "Okta's is %" PRId64 " s ahead of ours: set this machine's clock (NTP)", off_s);
    step(p, fine, "clock", text);
}

static void show_token(struct probe *p, const struct okta_token_view *token) {
    char text[512];
    int64_t minutes = (token->expires_ms - time_now_ms()) / TIME_MINUTE_MS;
    if (token->present)
        snprintf(text, sizeof text, "%s, scopes %s, %" PRId64 " minutes left",
                 token->dpop ? "bound to a key (DPoP)" : "Bearer",
                 token->scope ? token->scope : "not told", minutes);
    step(p, token->present, "token", token->present ? text : token->fault.text);
}

static void show_page(struct probe *p, const struct okta_log_answer *a) {
    struct json_split split = json_split(a->body);
    struct fault fault = {{0}};
    struct str event;
    char text[64];
    int e = json_split_next(&split, &event, &fault);
    snprintf(text, sizeof text, e ? "empty" : "%zu bytes", a->body.n);
    step(p, e == 0 || e == JSON_SPLIT_E_END, "one log page",
         e > JSON_SPLIT_E_END ? fault.text : text);
}

static void show_budget(struct probe *p) {
    const struct budget *budget = okta_org_budget(p->source->org, OKTA_BUCKET_LOGS);
    int64_t used;
    int64_t limit;
    char text[96];
    if (!budget_used(budget, time_mono_ms(), &used, &limit)) {
        step(p, true, "rate limit", "the answer did not tell one");
        return;
    }
    snprintf(text, sizeof text, "%" PRId64 " requests a minute, %" PRId64 " used", limit, used);
    step(p, true, "rate limit", text);
}

static void show_credentials(struct probe *p, const struct okta_log_answer *a) {
    bool refused = a->result == OKTA_LOG_REFUSED;
    step(p, !refused, "credentials", refused ? a->fault.text : "accepted");
    if (refused) return;
    if (a->result == OKTA_LOG_PAGE) show_page(p, a);
    else step(p, false, "one log page", a->fault.text);
    show_budget(p);
}

// The token's endpoint is asked first, over a connection that then serves for the log, too.
static bool show_way_by_token(struct probe *p, const struct okta_token_view *token,
                              const struct okta_log_answer *a) {
    struct http_origin origin;
    if (!token->answered) {
        step(p, false, "token", a->fault.text);
        return false;
    }
    if (http_origin_parse(str_from(p->settings->okta_domain_url), &origin, NULL) != 0) return false;
    show_connection(p, &origin, &token->answer, token->fault.text);
    if (token->answer.result != HTTP_OK) return false;
    show_clock(p);
    show_token(p, token);
    if (!a->http) return false;
    bool same = http_origin_eq(&origin, p->origin);
    if (!same || a->http->result != HTTP_OK) show_connection(p, p->origin, a->http, a->fault.text);
    return a->http->result == HTTP_OK;
}

static void on_answer(void *ctx, const struct okta_log_answer *a) {
    struct probe *p = ctx;
    struct okta_token_view token;
    loop_stop(p->loop);
    okta_org_token(p->source->org, &token);
    if (token.used) {
        if (show_way_by_token(p, &token, a)) show_credentials(p, a);
        return;
    }
    if (!a->http) {
        step(p, false, "request", a->fault.text);
        return;
    }
    show_connection(p, p->origin, a->http, a->fault.text);
    if (a->http->result != HTTP_OK) return;
    show_clock(p);
    show_credentials(p, a);
}

static int probe(struct probe *p, struct fault *fault) {
    AUTO_FINI(buf) struct buf url = buf_make(1 << 16);
    AUTO_FINI(buf) struct buf body = buf_make(PAGE_MAX_BYTES);
    okta_log_first_url(&url, p->source->url, time_now_ms() - TIME_HOUR_MS, 1);
    const char *text = buf_z(&url);
    if (!text) return -ENOMEM;
    const struct okta_log_request request = {.url = text,
                                             .class = BUDGET_COLLECTION,
                                             .into = &body,
                                             .done = on_answer,
                                             .ctx = p,
                                             .want_certificate = true};
    struct okta_log_call *call = NULL;
    int e = okta_log_get(p->source->org, &request, &call);
    if (!e) e = loop_run(p->loop);
    return e ? fault_set(fault, e, "%s", error_text(e)) : 0;
}

static int probe_all(struct loop *loop, const struct settings *settings, struct fault *fault,
                     bool *failed) {
    AUTO(plan) struct plan *plan = NULL;
    int e = plan_new(&plan, loop, settings, NULL, NULL, fault);
    for (size_t i = 0; !e && i < settings->source_count; i++) {
        struct http_origin origin;
        struct probe p = {.loop = loop,
                          .settings = &settings->sources[i],
                          .source = &plan->sources[i],
                          .origin = &origin};
        printf("%s: %s\n", p.source->name, p.source->url);
        e = http_origin_parse(str_from(p.source->url), &origin, fault);
        if (!e) e = probe(&p, fault);
        if (p.failed) *failed = true;
    }
    return e;
}

int test_okta(const struct settings *settings) {
    AUTO(loop) struct loop *loop = NULL;
    struct fault fault = {{0}};
    bool failed = false;
    int e = loop_new(&loop);
    if (!e) e = probe_all(loop, settings, &fault, &failed);
    if (e) fprintf(stderr, "gatehouse test okta: %s\n", fault.text[0] ? fault.text : error_text(e));
    return e || failed ? EXIT_FAILED : EXIT_DONE;
}
