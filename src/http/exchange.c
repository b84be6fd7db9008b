// SPDX-License-Identifier: Apache-2.0
// A multi handle of its own that this thread polls: so a `stop` is seen while libcurl waits, and
// the connections outlive the requests. One call is used for all requests; the answer stays in it.
#include "http/exchange.h"

#include <errno.h>

#include "http/client-internal.h"
#include "http/tracer-internal.h"

enum { STOP_LOOKED_AT_MS = 100, CONNECTIONS_KEPT_MAX = 8 };

struct http_exchange {
    struct http_options options;
    CURLM *multi;
    struct http_call *call;
    bool curl_ready;
};

int http_exchange_new(struct http_exchange **ret, const struct http_client_opts *opts,
                      struct fault *fault) {
    AUTO(http_exchange) struct http_exchange *x = mem_new(sizeof *x);
    if (!x) return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return -ENOMEM;
    x->curl_ready = true;
    int e = http_options_load(&x->options, opts, fault);
    if (e) return e;
    x->multi = curl_multi_init();
    x->call = http_call_new(&x->options);
    if (!x->multi || !x->call) return -ENOMEM;
    curl_multi_setopt(x->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    *ret = TAKE(x);
    return 0;
}

struct http_exchange *http_exchange_free(struct http_exchange *x) {
    if (!x) return NULL;
    http_call_free(x->call);
    curl_multi_cleanup(x->multi);
    http_options_fini(&x->options);
    if (x->curl_ready) curl_global_cleanup();
    free(x);
    return NULL;
}

static bool is_set(const atomic_bool *stop) { return stop && atomic_load(stop); }

// Whether the transfer is over, and how. There is one at most, but other messages may come some
// day.
static bool is_over(CURLM *multi, CURLcode *ret) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        *ret = message->data.result;
        return true;
    }
    return false;
}

// Outcomes: 0; -ECANCELED; -ENOMEM.
static int wait_for_answer(struct http_exchange *x, const atomic_bool *stop, CURLcode *ret) {
    int running;
    while (!is_set(stop)) {
        if (curl_multi_perform(x->multi, &running) != CURLM_OK) return -ENOMEM;
        if (is_over(x->multi, ret)) return 0;
        if (curl_multi_poll(x->multi, NULL, 0, STOP_LOOKED_AT_MS, NULL) != CURLM_OK) return -ENOMEM;
    }
    return -ECANCELED;
}

// Who gives up does not wait for the resolver's thread, either, which may take many seconds: it
// ends by itself.
static int transfer(struct http_exchange *x, const atomic_bool *stop, CURLcode *ret) {
    CURL *easy = x->call->easy;
    if (curl_multi_add_handle(x->multi, easy) != CURLM_OK) return -ENOMEM;
    int e = wait_for_answer(x, stop, ret);
    curl_multi_remove_handle(x->multi, easy);
    return e;
}

static int send_traced(struct http_exchange *x, const struct http_request *request,
                       const atomic_bool *stop, struct http_response *ret) {
    const struct http_options *o = &x->options;
    uint64_t id = 0;
    CURLcode code = CURLE_OK;
    if (o->tracer) id = http_tracer_request(o->tracer, request, &x->call->origin, o->user_agent);
    int e = transfer(x, stop, &code);
    if (e) {
        if (o->tracer) http_tracer_cancelled(o->tracer, id);
        return e;
    }
    struct http_response response;
    http_call_response(x->call, code, &response);
    if (o->tracer) http_tracer_response(o->tracer, id, &response);
    if (code == CURLE_OUT_OF_MEMORY || x->call->error == -ENOMEM) return -ENOMEM;
    *ret = response;
    return 0;
}

int http_exchange_send(struct http_exchange *x, const struct http_request *request, bool repeatable,
                       const atomic_bool *stop, struct http_response *ret) {
    const struct http_manner manner = {.borrow_body = true, .repeatable = repeatable};
    http_call_clear(x->call);
    int e = is_set(stop) ? -ECANCELED : http_call_prepare(x->call, request, &manner);
    if (!e) e = send_traced(x, request, stop, ret);
    http_call_forget_request(x->call);
    return e;
}
