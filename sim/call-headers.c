// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/time.h"
#include "sim/call.h"

static const struct {
    const char *name, *value;
    bool throttled_too; // recorded 429s lack the others
} fixed_headers[] = {
    {"server", "nginx", true},
    {"x-xss-protection", "0", true},
    {"p3p", "CP=\"HONK\"", true},
    {"strict-transport-security", "max-age=315360000; includeSubDomains", true},
    {"x-content-type-options", "nosniff", true},
    {"cache-control", "no-cache, no-store", false},
    {"pragma", "no-cache", false},
    {"expires", "0", false},
    {"set-cookie", "sid=\"\"; Version=1; Path=/; Max-Age=0", true},
    {"set-cookie", "xids=\"\"; Version=1; Path=/; Max-Age=0", true},
};

static void add_date(struct call *call) {
    char date[TIME_RFC3339_MAX];
    time_format_http(call->now_ms + call->skew_ms, date);
    reply_header(call->reply, "date", "%s", date);
}

static void add_cookies(struct call *call) {
    struct rand *rand = &call->sim->rand;
    reply_header(call->reply, "x-okta-request-id", "%016llx%016llx",
                 (unsigned long long)rand_next(rand), (unsigned long long)rand_next(rand));
    reply_header(call->reply, "set-cookie", "JSESSIONID=%016llX; Path=/; Secure; HttpOnly",
                 (unsigned long long)rand_next(rand));
}

static void add_rate(struct call *call) {
    const struct limits_view *view = &call->view;
    int64_t reset_s = view->reset_s + call->skew_ms / TIME_SECOND_MS;
    reply_header(call->reply, "x-rate-limit-limit", "%" PRIu64, view->limit);
    reply_header(call->reply, "x-rate-limit-remaining", "%" PRIu64, view->remaining);
    reply_header(call->reply, "x-rate-limit-reset", "%" PRId64, reset_s);
}

void call_add_headers(struct call *call, const char *content_type) {
    add_date(call);
    if (content_type) reply_header(call->reply, "content-type", "%s", content_type);
    for (size_t i = 0; i < LEN(fixed_headers); i++)
        if (call->reply->status != 429 || fixed_headers[i].throttled_too)
            reply_header(call->reply, fixed_headers[i].name, "%s", fixed_headers[i].value);
    add_cookies(call);
    bool limited = call->endpoint && call->endpoint->limited;
    if (limited && !call->no_rate_headers) add_rate(call);
}

static void add_link(struct call *call, struct str url, const char *relation) {
    reply_header(call->reply, "link", "<%.*s>; rel=\"%s\"", STR_ARG(url), relation);
}

static bool next_goes_first(struct sim *sim) {
    if (sim->settings.link_order == SIM_LINKS_MIXED) return rand_below(&sim->rand, 2) == 1;
    return sim->settings.link_order == SIM_LINKS_NEXT_FIRST;
}

void call_add_links(struct call *call, struct str self, struct str next) {
    bool next_first = next.p && next_goes_first(call->sim);
    if (next.p && call->sim->settings.link_style == SIM_LINKS_JOINED) {
        struct str first = next_first ? next : self, second = next_first ? self : next;
        reply_header(call->reply, "link", "<%.*s>; rel=\"%s\", <%.*s>; rel=\"%s\"", STR_ARG(first),
                     next_first ? "next" : "self", STR_ARG(second), next_first ? "self" : "next");
        return;
    }
    if (next_first) add_link(call, next, "next");
    add_link(call, self, "self");
    if (next.p && !next_first) add_link(call, next, "next");
}
