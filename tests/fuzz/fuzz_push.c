// SPDX-License-Identifier: Apache-2.0
// Any bytes as an answer about users, factors and transactions. The first byte says what was asked
// for (0 to 5: find by login, by address, list, verify, poll, cancel), the second the status, a
// line break ends the value of WWW-Authenticate, and the rest is the body.
#include "okta/push-internal.h"

#include "fuzz.h"

#define ORIGIN "https://acme.okta.com"
#define PLACE ORIGIN "/api/v1/users/00u1/factors/opf2/transactions/"

enum { FIND_BY_EMAIL = 1, KINDS = 6 };

static const enum okta_ask_kind kinds[KINDS] = {OKTA_KIND_FIND,   OKTA_KIND_FIND, OKTA_KIND_LIST,
                                                OKTA_KIND_VERIFY, OKTA_KIND_POLL, OKTA_KIND_CANCEL};
static const int statuses[] = {200, 201, 202, 204, 302, 400, 401, 403, 404,
                               410, 423, 429, 500, 503, 504, 100, 0,   600};

static void made(void *ctx, const struct okta_answer *a) {
    (void)ctx;
    (void)a;
    abort(); // nothing is ever sent here
}

static struct okta_ask *make_ask(struct okta_org *org, int kind) {
    struct okta_ask *a = NULL;
    const struct str user = STR("00u1");
    const struct str factor = STR("opf2");
    const struct str url = STR(PLACE "v2mst.3");
    int e = -1;
    switch (kinds[kind]) {
    case OKTA_KIND_FIND:
        e = okta_find_user(org, STR("al@acme.com"), kind == FIND_BY_EMAIL, made, NULL, &a);
        break;
    case OKTA_KIND_LIST: e = okta_list_factors(org, user, made, NULL, &a); break;
    case OKTA_KIND_VERIFY:
        e = okta_verify_code(org, user, factor, STR("424242"), NULL, made, NULL, &a);
        break;
    case OKTA_KIND_POLL: e = okta_poll_push(org, user, factor, url, made, NULL, &a); break;
    case OKTA_KIND_CANCEL: e = okta_cancel_push(org, url, made, NULL, &a); break;
    default: break;
    }
    MUST(e == 0 && a);
    return a;
}

static void check_link(const struct okta_org *org, struct str link, struct str id) {
    const struct okta_place place = {org, STR("00u1"), STR("opf2"), id};
    struct str again;
    struct http_origin origin;
    if (!link.p) return;
    AUTO_FINI(buf) struct buf followed = buf_make(1 << 20);
    okta_own_link(org, link, &followed);
    MUST(http_origin_parse(buf_str(&followed), &origin, NULL) == 0);
    MUST(http_origin_eq(&origin, &org->origin));
    MUST(okta_transaction_link(&place, link, &again));
    MUST(str_ends(link, again) && again.p > link.p && link.p[link.n - again.n - 1] == '/');
}

static void check_transaction(const struct okta_org *org, const struct okta_answer *a, int kind) {
    const struct okta_transaction *t = &a->transaction;
    bool asked = kinds[kind] == OKTA_KIND_VERIFY || kinds[kind] == OKTA_KIND_POLL;
    bool success = t->result == OKTA_FACTOR_SUCCESS;
    MUST(success == str_eqz(t->result_text, "SUCCESS"));
    MUST(asked || (!t->result_text.p && !t->poll_url.p && !t->cancel_url.p));
    MUST(!asked || a->result != OKTA_ASK_ANSWERED || t->result_text.p);
    MUST(t->number >= -1 && (t->id.p != NULL) == (t->poll_url.p != NULL));
    if (kinds[kind] == OKTA_KIND_POLL && t->id.p) MUST(str_eqz(t->id, "v2mst.3"));
    check_link(org, t->poll_url, t->id);
    check_link(org, t->cancel_url, t->id);
}

static void check_people(const struct okta_answer *a, int kind) {
    bool asked = kinds[kind] == OKTA_KIND_FIND;
    MUST(a->user_count <= (asked ? OKTA_USERS_MAX : 0));
    for (size_t i = 0; i < a->user_count; i++) {
        MUST(okta_is_id(a->users[i].id) && a->users[i].login.p && a->users[i].status.p);
        MUST(kind == FIND_BY_EMAIL || str_eq_nocase(a->users[i].login, STR("al@acme.com")));
        MUST(!a->users[i].active || a->users[i].status.n > 0);
    }
    MUST(a->factor_count == 0 || kinds[kind] == OKTA_KIND_LIST);
    for (size_t i = 0; i < a->factor_count; i++) {
        const struct okta_factor *f = &a->factors[i];
        MUST(okta_is_id(f->id) && f->type.p && f->provider.p && f->status.p && f->name.p);
    }
}

static void check(const struct okta_org *org, const struct okta_answer *a, int kind) {
    struct str fault = str_from(a->fault.text);
    bool success = a->status >= 200 && a->status <= 299;
    MUST((a->result == OKTA_ASK_ANSWERED) == (fault.n == 0));
    MUST(a->result != OKTA_ASK_ANSWERED || success);
    MUST(success || a->transaction.result == OKTA_FACTOR_OTHER);
    MUST(str_find(fault, STR("00secretTokenOfTheFuzzer")) == fault.n);
    if (kinds[kind] == OKTA_KIND_VERIFY) MUST(str_find(fault, STR("424242")) == fault.n);
    for (size_t i = 0; i < fault.n; i++) MUST((unsigned char)fault.p[i] >= ' ');
    check_transaction(org, a, kind);
    check_people(a, kind);
}

static struct okta_org *make_org(void) {
    struct loop *loop = NULL;
    struct okta_org *org = NULL;
    struct okta_org_opts opts = {.url = ORIGIN "/api/v1/logs",
                                 .credentials.api_key = "00secretTokenOfTheFuzzer",
                                 .http = {.user_agent = "fuzz", .proxy_url = ""}};
    MUST(loop_new(&loop) == 0);
    MUST(okta_org_new(&org, loop, &opts, NULL) == 0);
    return org;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct okta_org *org; // made once; the process ends with it
    if (!org) org = make_org();
    if (size < 2) return 0;
    int kind = data[0] % KINDS;
    struct str body = {(const char *)data + 2, size - 2};
    const struct http_header header = {STR("WWW-Authenticate"), str_split(&body, '\n')};
    const struct http_response response = {
        .result = HTTP_OK,
        .status = statuses[data[1] % LEN(statuses)],
        .headers = &header,
        .header_count = header.value.n > 0,
        .body = body,
    };
    struct okta_answer a = {.result = OKTA_ASK_RETRY, .transaction.number = -1};
    struct okta_ask *asked = make_ask(org, kind);
    okta_push_judge(asked, &response, &a);
    check(org, &a, kind);
    okta_ask_cancel(asked);
    return 0;
}
