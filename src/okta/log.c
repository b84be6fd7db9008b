// SPDX-License-Identifier: Apache-2.0
// What an answer of /api/v1/logs is: status first, then Okta's errorCode, then the body. Every
// status has a row; what a page must be is checked as far as the next step relies on it, and no
// further, because the events are read elsewhere.
#include "okta/log.h"

#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "okta/explain-internal.h"
#include "okta/org-internal.h"

const char *okta_log_result_name(enum okta_log_result r) {
    static const char *const names[] = {
        [OKTA_LOG_PAGE] = "page",         [OKTA_LOG_RATE_LIMITED] = "rate-limited",
        [OKTA_LOG_RETRY] = "retry",       [OKTA_LOG_BAD_CURSOR] = "bad-cursor",
        [OKTA_LOG_REFUSED] = "refused",   [OKTA_LOG_BAD_REQUEST] = "bad-request",
        [OKTA_LOG_BAD_PAGE] = "bad-page", [OKTA_LOG_FOREIGN_LINK] = "foreign-link",
    };
    return (size_t)r < LEN(names) ? names[r] : "unknown";
}

static void add_instant(struct buf *url, const char *name, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    http_query_add(url, name, str_from(text));
}

void okta_log_first_url(struct buf *ret, const char *url, int64_t since_ms, int limit) {
    char digits[16];
    int n = snprintf(digits, sizeof digits, "%d", limit);
    buf_addz(ret, url);
    http_query_add(ret, "limit", (struct str){digits, (size_t)n});
    http_query_add(ret, "sortOrder", STR("ASCENDING"));
    add_instant(ret, "since", since_ms);
}

void okta_log_window_url(struct buf *ret, const char *url, int64_t since_ms, int64_t until_ms,
                         int limit) {
    okta_log_first_url(ret, url, since_ms, limit);
    add_instant(ret, "until", until_ms);
}

static const char wanted[] = "a page of events (a JSON array)";

struct judgement {
    struct okta_log_call *call;
    const struct http_response *response;
    struct okta_log_answer *answer;
};

static struct str media_type(const struct http_response *response) {
    struct str value = http_header(response, "content-type");
    return str_trim(str_split(&value, ';'));
}

// A page is an array; whether all of it is JSON is seen when it is read.
static bool is_page_body(const struct http_response *response) {
    struct str body = str_trim(response->body);
    if (str_eq_nocase(media_type(response), STR("text/html"))) return false;
    return body.n >= 2 && body.p[0] == '[' && body.p[body.n - 1] == ']';
}

static bool find_next(const struct http_response *response, struct str *ret) {
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq_nocase(response->headers[i].name, STR("link")) &&
            okta_link_next(response->headers[i].value, ret))
            return true;
    return false;
}

// Okta sends absolute links. A path alone, as a proxy in between may leave it, belongs to the
// request's own origin.
static struct str make_absolute(struct okta_log_call *call, struct str link) {
    if (!str_starts(link, STR("/")) || str_starts(link, STR("//"))) return link;
    struct str url = str_from(call->call.url);
    size_t host = str_find(url, STR("://")) + 3;
    size_t path = host + strcspn(url.p + host, "/?#");
    buf_reset(&call->next_url);
    buf_add_str(&call->next_url, str_sub(url, 0, path));
    buf_add_str(&call->next_url, link);
    return call->next_url.error ? STR_NONE : buf_str(&call->next_url);
}

static enum okta_log_result judge_link(struct judgement *j, struct str link) {
    struct fault *fault = &j->answer->fault;
    struct str next = make_absolute(j->call, link);
    struct http_origin origin;
    struct fault reason = {{0}};
    int e = http_origin_parse(next, &origin, &reason);
    if (e)
        return (enum okta_log_result)fault_set(
            fault, e == -ENOMEM ? OKTA_LOG_RETRY : OKTA_LOG_BAD_PAGE,
            "the next link of the page cannot be used: %s", reason.text);
    const struct http_origin *own = &j->call->call.org->origin;
    if (!http_origin_eq(&origin, own))
        return (enum okta_log_result)fault_set(
            fault, OKTA_LOG_FOREIGN_LINK,
            "the next link of the page leads to %s://%s:%d instead of %s://%s:%d; the page is not "
            "used and the token is not sent there",
            origin.scheme, origin.host, origin.port, own->scheme, own->host, own->port);
    j->answer->next = next;
    return OKTA_LOG_PAGE;
}

static bool has_parameter(const char *url, struct str name_and_sign) {
    struct str query = str_from(url);
    str_split(&query, '?');
    while (query.p)
        if (str_starts(str_split(&query, '&'), name_and_sign)) return true;
    return false;
}

static bool has_cursor(const char *url) { return has_parameter(url, STR("after=")); }
static bool is_bounded(const char *url) { return has_parameter(url, STR("until=")); }

static enum okta_log_result judge_page(struct judgement *j) {
    struct str link;
    if (!is_page_body(j->response)) {
        okta_explain_body(j->call->call.org, j->response, wanted, &j->answer->fault);
        return OKTA_LOG_BAD_PAGE;
    }
    bool found = find_next(j->response, &link);
    if (!found && is_bounded(j->call->call.url)) {
        j->answer->body = j->response->body;
        return OKTA_LOG_PAGE;
    }
    if (!found)
        return (enum okta_log_result)fault_set(
            &j->answer->fault, OKTA_LOG_BAD_PAGE,
            "the page has no next link (Link header with rel=\"next\"), which Okta always sends");
    j->answer->body = j->response->body;
    return judge_link(j, link);
}

static enum okta_log_result judge_redirect(struct judgement *j) {
    okta_explain_redirect(&j->call->call.org->origin, j->response, &j->answer->fault);
    return OKTA_LOG_BAD_PAGE;
}

static enum okta_log_result judge_no_page(struct judgement *j) {
    okta_explain_body(j->call->call.org, j->response, wanted, &j->answer->fault);
    return OKTA_LOG_BAD_PAGE;
}

static enum okta_log_result judge_refused(struct judgement *j) {
    okta_explain_status(j->call->call.org, j->response, j->answer);
    return OKTA_LOG_REFUSED;
}

static enum okta_log_result judge_limited(struct judgement *j) {
    okta_explain_status(j->call->call.org, j->response, j->answer);
    return OKTA_LOG_RATE_LIMITED;
}

static enum okta_log_result judge_retry(struct judgement *j) {
    okta_explain_status(j->call->call.org, j->response, j->answer);
    return OKTA_LOG_RETRY;
}

static enum okta_log_result judge_bad_request(struct judgement *j) {
    okta_explain_status(j->call->call.org, j->response, j->answer);
    return OKTA_LOG_BAD_REQUEST;
}

static enum okta_log_result judge_cursor(struct judgement *j) {
    okta_explain_status(j->call->call.org, j->response, j->answer);
    return has_cursor(j->call->call.url) ? OKTA_LOG_BAD_CURSOR : OKTA_LOG_BAD_REQUEST;
}

struct status_row {
    int from, to;
    enum okta_log_result (*judge)(struct judgement *j);
};

// The first row that fits.
static const struct status_row statuses[] = {
    {200, 200, judge_page},   {201, 299, judge_no_page}, {300, 399, judge_redirect},
    {400, 400, judge_cursor}, {401, 401, judge_refused}, {403, 403, judge_refused},
    {404, 404, judge_cursor}, {407, 408, judge_retry},   {410, 410, judge_cursor},
    {425, 425, judge_retry},  {429, 429, judge_limited}, {400, 499, judge_bad_request},
    {500, 599, judge_retry},
};

static enum okta_log_result judge_status(struct judgement *j) {
    for (size_t i = 0; i < LEN(statuses); i++)
        if (j->response->status >= statuses[i].from && j->response->status <= statuses[i].to)
            return statuses[i].judge(j);
    return judge_no_page(j);
}

void okta_log_judge(struct okta_log_call *call, const struct http_response *response,
                    struct okta_log_answer *ret) {
    struct judgement j = {call, response, ret};
    ret->status = response->status;
    ret->request_id = http_header(response, "x-okta-request-id");
    if (response->result == HTTP_OK) {
        ret->result = judge_status(&j);
        return;
    }
    okta_explain_transport(call->call.org->origin.host, response, &ret->fault);
    ret->result = response->result == HTTP_TOO_LARGE ? OKTA_LOG_BAD_PAGE : OKTA_LOG_RETRY;
}

// ---- calls ----

bool okta_log_is_own(const struct okta_org *org, struct str url) {
    struct http_origin origin;
    return http_origin_parse(url, &origin, NULL) == 0 && http_origin_eq(&origin, &org->origin);
}

static struct okta_log_call *log_call_free(struct okta_log_call *call) {
    if (!call) return NULL;
    okta_call_fini(&call->call);
    buf_fini(&call->next_url);
    free(call);
    return NULL;
}

static void judge_answer(struct okta_log_call *call, const struct okta_result *result,
                         struct okta_log_answer *answer) {
    answer->http = result->response;
    answer->date_ms = result->rate.date_ms;
    okta_log_judge(call, result->response, answer);
    if (answer->result != OKTA_LOG_RATE_LIMITED) return;
    answer->concurrency = budget_is_concurrency(result->response->status, &result->rate);
    answer->wait_ms = okta_call_wait_ms(&call->call);
}

static void on_result(struct okta_call *base, const struct okta_result *result) {
    struct okta_log_call *call = (struct okta_log_call *)(void *)base; // its first member
    struct okta_log_answer answer = {.result = OKTA_LOG_RETRY};
    if (result->response) {
        judge_answer(call, result, &answer);
    } else {
        answer.result = result->failure->final ? OKTA_LOG_REFUSED : OKTA_LOG_RETRY;
        answer.fault = result->failure->fault;
    }
    call->done(call->ctx, &answer); // the org may be gone afterwards
    log_call_free(call);
}

int okta_log_get(struct okta_org *org, const struct okta_log_request *request,
                 struct okta_log_call **ret) {
    if (!okta_log_is_own(org, str_from(request->url))) return -EINVAL;
    struct okta_log_call *call = mem_new(sizeof *call);
    if (!call) return -ENOMEM;
    int e = okta_call_init(&call->call, org, str_from(request->url));
    if (e) {
        log_call_free(call);
        return e;
    }
    call->call.bucket = OKTA_BUCKET_LOGS;
    call->call.class = request->class;
    call->call.into = request->into;
    call->call.want_certificate = request->want_certificate;
    call->call.done = on_result;
    call->next_url = buf_make(SIZE_MAX);
    call->done = request->done;
    call->ctx = request->ctx;
    okta_call_submit(&call->call);
    *ret = call;
    return 0;
}

struct okta_log_call *okta_log_cancel(struct okta_log_call *call) {
    if (!call) return NULL;
    okta_call_cancel(&call->call);
    return log_call_free(call);
}
