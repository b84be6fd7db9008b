// SPDX-License-Identifier: Apache-2.0
// One function per request of okta-api sections 4.1 to 4.4. What differs between them is a row: the
// bucket they are counted in, the method, and whether a second sending would be a second push.
#include "okta/push.h"

#include <errno.h>

#include "base/time.h"
#include "okta/push-internal.h"
#include "json/repair.h"
#include "json/write.h"

enum {
    URL_MAX_BYTES = 16 * 1024,
    TEXTS_MAX_BYTES = 4096,
    ANSWER_MAX_BYTES = 1 << 20,
    CODE_MAX_BYTES = 128,
    ESCAPED_MAX = 6,       // bytes of JSON that one of a text's may become
    AGENT_MAX_BYTES = 500, // what Okta logs of one
    FORWARDED_MAX_BYTES = 500,
    WAIT_MIN_MS = TIME_SECOND_MS,
};

const char *okta_ask_result_name(enum okta_ask_result r) {
    static const char *const names[] = {
        [OKTA_ASK_ANSWERED] = "answered", [OKTA_ASK_RATE_LIMITED] = "rate_limited",
        [OKTA_ASK_RETRY] = "retry",       [OKTA_ASK_REFUSED] = "refused",
        [OKTA_ASK_DENIED] = "denied",     [OKTA_ASK_STRANGE] = "strange",
    };
    return (size_t)r < LEN(names) ? names[r] : "unknown";
}

struct kind_row {
    enum okta_bucket bucket;
    const char *method;
    bool once;
};

static const struct kind_row kinds[] = {
    [OKTA_KIND_FIND] = {OKTA_BUCKET_USERS, "GET", false},
    [OKTA_KIND_LIST] = {OKTA_BUCKET_FACTORS, "GET", false},
    [OKTA_KIND_VERIFY] = {OKTA_BUCKET_VERIFY, "POST", true},
    [OKTA_KIND_POLL] = {OKTA_BUCKET_FACTORS, "GET", false},
    [OKTA_KIND_CANCEL] = {OKTA_BUCKET_FACTORS, "DELETE", false},
};

// ---- an ask ----

static struct okta_ask *okta_ask_free(struct okta_ask *ask) {
    if (!ask) return NULL;
    okta_call_fini(&ask->call);
    buf_fini(&ask->texts);
    buf_fini(&ask->into);
    free(ask->factors);
    free(ask);
    return NULL;
}
DEFINE_AUTO_FREE(okta_ask)

// The texts lie one behind the other; one that is not known is absent.
struct okta_place okta_ask_place(const struct okta_ask *ask) {
    struct str all = buf_str(&ask->texts);
    const size_t sizes[] = {ask->user_n, ask->factor_n, ask->transaction_n};
    struct str parts[LEN(sizes)];
    size_t at = ask->name_n;
    for (size_t i = 0; i < LEN(sizes); i++) {
        parts[i] = sizes[i] ? str_sub(all, at, at + sizes[i]) : STR_NONE;
        at += sizes[i];
    }
    return (struct okta_place){ask->call.org, parts[0], parts[1], parts[2]};
}

static void judge_answer(struct okta_ask *ask, const struct okta_result *result,
                         struct okta_answer *answer) {
    answer->date_ms = result->rate.date_ms;
    okta_push_judge(ask, result->response, answer);
    if (answer->result != OKTA_ASK_RATE_LIMITED) return;
    // With an odd status the budget has not heard of it.
    int64_t wait_ms = okta_call_wait_ms(&ask->call);
    answer->wait_ms = wait_ms > WAIT_MIN_MS ? wait_ms : WAIT_MIN_MS;
}

static void on_result(struct okta_call *call, const struct okta_result *result) {
    struct okta_ask *ask = (struct okta_ask *)(void *)call; // its first member
    struct okta_answer answer = {.result = OKTA_ASK_RETRY, .transaction.number = -1};
    if (result->response) {
        judge_answer(ask, result, &answer);
    } else {
        answer.result = result->failure->final ? OKTA_ASK_REFUSED : OKTA_ASK_RETRY;
        answer.fault = result->failure->fault;
    }
    ask->done(ask->ctx, &answer); // the org may be gone afterwards
    okta_ask_free(ask);
}

struct okta_ask *okta_ask_cancel(struct okta_ask *ask) {
    if (!ask) return NULL;
    okta_call_cancel(&ask->call);
    return okta_ask_free(ask);
}

// What a request is about, and where its answer goes. Texts that are absent play no part.
struct asking {
    struct okta_org *org;
    enum okta_ask_kind kind;
    struct str name, user_id, factor_id, transaction_id;
    okta_ask_done *done;
    void *ctx;
};

static int keep_texts(struct okta_ask *ask, const struct asking *a) {
    ask->texts = buf_make(TEXTS_MAX_BYTES);
    buf_add_str(&ask->texts, a->name);
    buf_add_str(&ask->texts, a->user_id);
    buf_add_str(&ask->texts, a->factor_id);
    buf_add_str(&ask->texts, a->transaction_id);
    ask->name_n = a->name.n;
    ask->user_n = a->user_id.n;
    ask->factor_n = a->factor_id.n;
    ask->transaction_n = a->transaction_id.n;
    return ask->texts.error;
}

static int ask_new(struct okta_ask **ret, const struct asking *a, struct str url) {
    AUTO(okta_ask) struct okta_ask *ask = mem_new(sizeof *ask);
    if (!ask) return -ENOMEM;
    int e = okta_call_init(&ask->call, a->org, url);
    if (!e) e = keep_texts(ask, a);
    if (e) return e;
    ask->kind = a->kind;
    ask->done = a->done;
    ask->ctx = a->ctx;
    ask->into = buf_make(ANSWER_MAX_BYTES);
    ask->call.bucket = kinds[a->kind].bucket;
    ask->call.class = BUDGET_PUSH;
    ask->call.method = kinds[a->kind].method;
    ask->call.once = kinds[a->kind].once;
    ask->call.into = &ask->into;
    ask->call.done = on_result;
    *ret = TAKE(ask);
    return 0;
}

static void submit(struct okta_ask *ask, struct okta_ask **ret) {
    *ret = ask;
    okta_call_submit(&ask->call);
}

// ---- URLs ----

static bool is_name(struct str s) {
    if (s.n == 0 || s.n > OKTA_NAME_MAX_BYTES) return false;
    while (s.n > 0) {
        size_t n = json_utf8_length(s);
        if (n == 0 || (unsigned char)s.p[0] < ' ' || s.p[0] == '\x7f') return false;
        s = str_sub(s, n, s.n);
    }
    return true;
}

// A SCIM filter's texts are JSON's (RFC 7644 section 3.4.2.2).
static int add_find_url(struct buf *url, const struct okta_org *org, struct str name,
                        bool by_email) {
    AUTO_FINI(buf) struct buf filter = buf_make(URL_MAX_BYTES);
    buf_addz(&filter, by_email ? "profile.email eq " : "profile.login eq ");
    buf_reserve(&filter, ESCAPED_MAX * name.n + 2);
    buf_addc(&filter, '"');
    json_add_escaped(&filter, name);
    buf_addc(&filter, '"');
    http_origin_add(url, &org->origin);
    buf_addz(url, "/api/v1/users");
    http_query_add(url, "filter", buf_str(&filter));
    http_query_add(url, "limit", STR("2"));
    return filter.error ? filter.error : url->error;
}

// `factor_id` absent: the list.
static int add_factor_url(struct buf *url, const struct asking *a) {
    http_origin_add(url, &a->org->origin);
    buf_addz(url, "/api/v1/users/");
    http_add_encoded(url, a->user_id);
    buf_addz(url, "/factors");
    if (!a->factor_id.p) return url->error;
    buf_addc(url, '/');
    http_add_encoded(url, a->factor_id);
    buf_addz(url, "/verify");
    return url->error;
}

// ---- what is asked ----

int okta_find_user(struct okta_org *org, struct str name, bool by_email, okta_ask_done *done,
                   void *ctx, struct okta_ask **ret) {
    const struct asking a = {
        .org = org, .kind = OKTA_KIND_FIND, .name = name, .done = done, .ctx = ctx};
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    struct okta_ask *ask = NULL;
    if (!is_name(name)) return -EINVAL;
    int e = add_find_url(&url, org, name, by_email);
    if (!e) e = ask_new(&ask, &a, buf_str(&url));
    if (e) return e;
    ask->by_email = by_email;
    submit(ask, ret);
    return 0;
}

int okta_list_factors(struct okta_org *org, struct str user_id, okta_ask_done *done, void *ctx,
                      struct okta_ask **ret) {
    const struct asking a = {
        .org = org, .kind = OKTA_KIND_LIST, .user_id = user_id, .done = done, .ctx = ctx};
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    struct okta_ask *ask = NULL;
    if (!okta_is_id(user_id)) return -EINVAL;
    int e = add_factor_url(&url, &a);
    if (!e) e = ask_new(&ask, &a, buf_str(&url));
    if (!e) submit(ask, ret);
    return e;
}

// A part of a list of addresses would be another list: one that is too long is not said at all.
static int add_asker(struct okta_call *call, const struct okta_asker *asker) {
    if (!asker) return 0;
    struct str agent = str_sub(asker->user_agent, 0, AGENT_MAX_BYTES);
    struct str forwarded = asker->forwarded_for;
    if (forwarded.n > FORWARDED_MAX_BYTES) forwarded = STR_NONE;
    int e = okta_call_add_header(call, "User-Agent", agent);
    return e ? e : okta_call_add_header(call, "X-Forwarded-For", forwarded);
}

static int verify_new(struct okta_ask **ret, const struct asking *a,
                      const struct okta_asker *asker) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    AUTO(okta_ask) struct okta_ask *ask = NULL;
    if (!okta_is_id(a->user_id) || !okta_is_id(a->factor_id)) return -EINVAL;
    int e = add_factor_url(&url, a);
    if (!e) e = ask_new(&ask, a, buf_str(&url));
    if (!e) e = add_asker(&ask->call, asker);
    if (e) return e;
    *ret = TAKE(ask);
    return 0;
}

static int set_json(struct okta_ask *ask) {
    int e = okta_call_add_header(&ask->call, "Content-Type", STR("application/json"));
    return e ? e : ask->call.body.error;
}

int okta_verify_push(struct okta_org *org, struct str user_id, struct str factor_id,
                     bool number_matching, const struct okta_asker *asker, okta_ask_done *done,
                     void *ctx, struct okta_ask **ret) {
    const struct asking a = {.org = org,
                             .kind = OKTA_KIND_VERIFY,
                             .user_id = user_id,
                             .factor_id = factor_id,
                             .done = done,
                             .ctx = ctx};
    AUTO(okta_ask) struct okta_ask *ask = NULL;
    int e = verify_new(&ask, &a, asker);
    if (!e && number_matching) {
        buf_addz(&ask->call.body, "{\"useNumberMatchingChallenge\":true}");
        e = set_json(ask);
    }
    if (!e) submit(TAKE(ask), ret);
    return e;
}

// Reserved beforehand: growing would leave a copy behind.
static int set_code(struct okta_ask *ask, struct str code) {
    struct buf *body = &ask->call.body;
    const struct str before = STR("{\"passCode\":\"");
    const struct str after = STR("\"}");
    if (!buf_reserve(body, before.n + ESCAPED_MAX * code.n + after.n)) return body->error;
    buf_add_str(body, before);
    json_add_escaped(body, code);
    ask->secret_at = before.n;
    ask->secret_n = body->n - before.n;
    buf_add_str(body, after);
    return set_json(ask);
}

static bool is_code(struct str code) {
    if (code.n == 0 || code.n > CODE_MAX_BYTES) return false;
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] <= ' ' || code.p[i] > '~') return false;
    return true;
}

int okta_verify_code(struct okta_org *org, struct str user_id, struct str factor_id,
                     struct str code, const struct okta_asker *asker, okta_ask_done *done,
                     void *ctx, struct okta_ask **ret) {
    const struct asking a = {.org = org,
                             .kind = OKTA_KIND_VERIFY,
                             .user_id = user_id,
                             .factor_id = factor_id,
                             .done = done,
                             .ctx = ctx};
    AUTO(okta_ask) struct okta_ask *ask = NULL;
    if (!is_code(code)) return -EINVAL;
    int e = verify_new(&ask, &a, asker);
    if (!e) e = set_code(ask, code);
    if (!e) submit(TAKE(ask), ret);
    return e;
}

// The URL of a link that has been looked at.
static int linked_new(struct okta_ask **ret, const struct asking *a, struct str link) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    okta_own_link(a->org, link, &url);
    return url.error ? url.error : ask_new(ret, a, buf_str(&url));
}

int okta_poll_push(struct okta_org *org, struct str user_id, struct str factor_id,
                   struct str poll_url, okta_ask_done *done, void *ctx, struct okta_ask **ret) {
    struct asking a = {.org = org,
                       .kind = OKTA_KIND_POLL,
                       .user_id = user_id,
                       .factor_id = factor_id,
                       .done = done,
                       .ctx = ctx};
    const struct okta_place place = {org, user_id, factor_id, STR_NONE};
    struct okta_ask *ask = NULL;
    if (!okta_is_id(user_id) || !okta_is_id(factor_id)) return -EINVAL;
    if (!okta_transaction_link(&place, poll_url, &a.transaction_id)) return -EINVAL;
    int e = linked_new(&ask, &a, poll_url);
    if (!e) submit(ask, ret);
    return e;
}

int okta_cancel_push(struct okta_org *org, struct str cancel_url, okta_ask_done *done, void *ctx,
                     struct okta_ask **ret) {
    struct asking a = {.org = org, .kind = OKTA_KIND_CANCEL, .done = done, .ctx = ctx};
    const struct okta_place place = {.org = org};
    struct okta_ask *ask = NULL;
    if (!okta_transaction_link(&place, cancel_url, &a.transaction_id)) return -EINVAL;
    int e = linked_new(&ask, &a, cancel_url);
    if (!e) submit(ask, ret);
    return e;
}
