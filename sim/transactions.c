// SPDX-License-Identifier: Apache-2.0
#include "sim/transactions.h"

#include <errno.h>

#include "base/time.h"
#include "sim/factors-api.h"
#include "sim/users.h"
#include "json/write.h"

enum { NAME_MAX_BYTES = 64 << 10, URL_MAX_BYTES = 1 << 20 };
#define FOREIGN_ORIGIN "https://okta.example.net"
#define FOREIGN_USER "00uSomebodyElse00000"
#define FOREIGN_FACTOR "opfSomebodyElse00000"
#define NO_URL "not a link"

// ---- troubles

static const struct {
    enum phone_trouble trouble;
    enum fault_kind fault;
} struck[] = {
    {PHONE_VERIFY_429, FAULT_RATE_LIMIT}, {PHONE_VERIFY_500, FAULT_500},
    {PHONE_VERIFY_503, FAULT_503},        {PHONE_VERIFY_LOST, FAULT_RESET_BEFORE},
    {PHONE_POLL_429, FAULT_RATE_LIMIT},   {PHONE_POLL_500, FAULT_500},
    {PHONE_POLL_503, FAULT_503},          {PHONE_POLL_LOST, FAULT_RESET_BEFORE},
};

int transactions_trouble(struct call *call, enum phone_trouble trouble) {
    for (size_t i = 0; i < LEN(struck); i++) {
        if (struck[i].trouble != trouble) continue;
        struct fault_rule rule = {.kind = struck[i].fault, .n = -1};
        return call_apply_instead(call, &rule);
    }
    return 0;
}

// ---- writing

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void add_link(struct buf *out, const char *name, const struct buf *url, const char *allow) {
    json_key(out, str_from(name));
    json_open(out, '{');
    add_text(out, "href", buf_str(url));
    json_key(out, STR("hints"));
    buf_addf(out, "{\"allow\":%s}}", allow);
}

static void add_origin(struct buf *url, const struct call *call, enum phone_trouble trouble) {
    struct request other = *call->request;
    other.tls = !other.tls;
    if (trouble == PHONE_FOREIGN_HOST) buf_addz(url, FOREIGN_ORIGIN);
    else request_add_origin(url, trouble == PHONE_HTTP_LINK ? &other : call->request);
}

static void add_factor_url(struct buf *url, const struct call *call, const struct push *push,
                           enum phone_trouble trouble) {
    add_origin(url, call, trouble);
    buf_addf(url, "/api/v1/users/%s/factors/%s",
             trouble == PHONE_FOREIGN_USER ? FOREIGN_USER : push->texts[PUSH_USER],
             trouble == PHONE_FOREIGN_FACTOR ? FOREIGN_FACTOR : push->texts[PUSH_FACTOR]);
}

static void add_waiting_links(struct buf *out, struct buf *url, const struct call *call,
                              const struct push *push) {
    enum phone_trouble trouble = push->step.trouble;
    add_factor_url(url, call, push, trouble);
    buf_addf(url, "/transactions/%s", push->id);
    if (trouble == PHONE_MALFORMED_LINK) {
        buf_reset(url);
        buf_addz(url, NO_URL);
    }
    add_link(out, "cancel", url, "[\"DELETE\"]");
    add_link(out, "poll", url, "[\"GET\"]");
}

static void add_ended_links(struct buf *out, struct buf *url, const struct call *call,
                            const struct push *push) {
    add_factor_url(url, call, push, PHONE_NO_TROUBLE);
    add_link(out, "factor", url, "[\"GET\",\"DELETE\"]");
    buf_addz(url, "/verify");
    add_link(out, "verify", url, "[\"POST\"]");
}

static void add_number(struct buf *out, const struct push *push) {
    json_key(out, STR("_embedded"));
    buf_addf(out, "{\"challenge\":{\"correctAnswer\":%d}}", push->correct);
}

static void add_expiry(struct buf *out, const struct push *push) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(push->expires_ms, text);
    add_text(out, "expiresAt", str_from(text));
}

static void add_profile(struct buf *out, const struct push *push) {
    json_key(out, STR("profile"));
    json_open(out, '{');
    add_text(out, "credentialId", str_from(push->texts[PUSH_LOGIN]));
    json_close(out, '}');
}

int transactions_write(struct call *call, const struct push *push, bool polled) {
    const struct pushes *pushes = &call->sim->pushes;
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    struct buf *out = &call->reply->body;
    bool waiting = push->state == PUSH_WAITING;
    bool shows = polled || pushes->shown == PUSHES_SHOWN_AT_ONCE;
    json_open(out, '{');
    add_text(out, "factorResult", str_from(push_result(pushes, push)));
    if (waiting) add_expiry(out, push);
    if (polled && push->state != PUSH_APPROVED) add_profile(out, push);
    if (push->state != PUSH_APPROVED && !(waiting && push->step.trouble == PHONE_NO_LINK)) {
        json_key(out, STR("_links"));
        json_open(out, '{');
        if (waiting) add_waiting_links(out, &url, call, push);
        else add_ended_links(out, &url, call, push);
        json_close(out, '}');
    }
    if (waiting && shows && push->correct != PUSH_NO_NUMBER) add_number(out, push);
    json_close(out, '}');
    return url.error ? url.error : out->error;
}

// ---- finding

static int refuse_unknown(struct call *call, struct str id) {
    return api_error_set(&call->error, CALL_E_REFUSED, API_NOT_FOUND,
                         "%.*s (FactorVerifyTransaction)", STR_ARG(id));
}

// One that is of another user or factor is not found.
static int find(struct call *call, struct push **ret) {
    AUTO_FINI(buf) struct buf id = buf_make(NAME_MAX_BYTES);
    struct user *user;
    struct factor *factor;
    int e = factors_of_path(call, &user, &factor);
    if (e) return e;
    call_add_segment(&id, call, 2);
    if (id.error) return id.error;
    struct push *push = pushes_find(&call->sim->pushes, buf_str(&id));
    bool fits = push && strcmp(push->texts[PUSH_USER], user->id) == 0 &&
                strcmp(push->texts[PUSH_FACTOR], factor->id) == 0;
    if (!fits) return refuse_unknown(call, buf_str(&id));
    if (push_is_forgotten(&call->sim->pushes, push, call->now_ms))
        return push->state == PUSH_EXPIRED ? call_refuse(call, API_GONE_TRANSACTION)
                                           : refuse_unknown(call, buf_str(&id));
    *ret = push;
    return 0;
}

// ---- answering

static int poll_trouble(struct call *call, struct push *push) {
    const struct phone_step *step = &push->step;
    int64_t before = push->polls++;
    if (before < step->polls) return 0;
    if (step->trouble == PHONE_POLL_404) return refuse_unknown(call, str_from(push->id));
    if (step->trouble < PHONE_POLL_429 || step->trouble > PHONE_POLL_LOST) return 0;
    return before < step->polls + step->times ? transactions_trouble(call, step->trouble) : 0;
}

int transactions_poll(struct call *call) {
    struct push *push;
    int e = find(call, &push);
    if (!e) e = poll_trouble(call, push);
    if (!e) e = transactions_write(call, push, true);
    return e ? e : call_finish(call);
}

int transactions_cancel(struct call *call) {
    struct push *push;
    int e = find(call, &push);
    if (e) return e;
    if (push->state != PUSH_WAITING) return refuse_unknown(call, str_from(push->id));
    pushes_withdraw(call->sim, push, call->now_ms);
    call->reply->status = 204;
    call_add_headers(call, NULL);
    return CALL_E_DONE;
}
