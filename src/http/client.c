// SPDX-License-Identifier: Apache-2.0
// libcurl's multi handle tells which descriptors to watch and when to wake it; this file turns both
// into watches and one timer of the loop. Answers are handed out only after libcurl has returned,
// so that a callback may start, cancel and free whatever it likes.
#include "http/client.h"

#include <errno.h>

#include "http/client-internal.h"
#include "http/tracer-internal.h"

enum { CONNECTIONS_KEPT_MAX = 8 };

static void list_add(struct http_call **list, struct http_call *call) {
    call->prev = NULL;
    call->next = *list;
    if (call->next) call->next->prev = call;
    *list = call;
}

static void list_remove(struct http_call **list, struct http_call *call) {
    if (call->prev) call->prev->next = call->next;
    else *list = call->next;
    if (call->next) call->next->prev = call->prev;
    call->prev = call->next = NULL;
}

static void retire(struct http_call *call) {
    struct http_client *c = call->client;
    http_call_clear(call);
    if (c->idle_count >= CALLS_KEPT_MAX) {
        http_call_free(call);
        return;
    }
    list_add(&c->idle, call);
    c->idle_count++;
}

static struct http_call *take_idle(struct http_client *c) {
    struct http_call *call = c->idle;
    if (!call) return NULL;
    list_remove(&c->idle, call);
    c->idle_count--;
    return call;
}

static void withdraw(struct http_call *call) {
    list_remove(&call->client->running, call);
    curl_multi_remove_handle(call->client->multi, call->easy);
}

static void finish(struct http_call *call, CURLcode code) {
    struct http_response response;
    http_call_response(call, code, &response);
    struct http_tracer *tracer = call->options->tracer;
    if (tracer) http_tracer_response(tracer, call->trace_id, &response);
    withdraw(call);
    call->done(call->ctx, &response);
    retire(call);
}

static struct http_call *call_of(CURL *easy) {
    struct http_call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    return call;
}

static struct http_call *find_starved(const struct http_client *c) {
    struct http_call *call = c->running;
    while (call && !call->starved) call = call->next;
    return call;
}

static void destroy(struct http_client *c);

static void hand_out(struct http_client *c) {
    int left;
    CURLMsg *message;
    c->handing_out = true;
    while (!c->doomed && (message = curl_multi_info_read(c->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result; // the message dies with the removal of its handle
        finish(call_of(message->easy_handle), code);
    }
    for (struct http_call *call; !c->doomed && (call = find_starved(c));)
        finish(call, CURLE_OUT_OF_MEMORY);
    c->handing_out = false;
    if (c->doomed) destroy(c);
}

static void act(struct http_client *c, curl_socket_t fd, int bits) {
    int running;
    curl_multi_socket_action(c->multi, fd, bits, &running);
    hand_out(c);
}

static void on_timer(void *ctx) { act(ctx, CURL_SOCKET_TIMEOUT, 0); }

struct socket_watch {
    struct http_client *client;
    curl_socket_t fd;
    struct loop_watch *watch;
};

static void on_ready(void *ctx, int ready) {
    const struct socket_watch *s = ctx;
    act(s->client, s->fd,
        (ready & LOOP_READ ? CURL_CSELECT_IN : 0) | (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static struct socket_watch *socket_watch_free(struct socket_watch *s) {
    if (!s) return NULL;
    loop_watch_free(s->watch);
    free(s);
    return NULL;
}
DEFINE_AUTO_FREE(socket_watch)

static struct socket_watch *socket_watch_new(struct http_client *c, curl_socket_t fd) {
    AUTO(socket_watch) struct socket_watch *s = mem_new(sizeof *s);
    if (!s) return NULL;
    s->client = c;
    s->fd = fd;
    if (loop_watch_new(&s->watch, c->loop, fd, on_ready, s) < 0) return NULL;
    if (curl_multi_assign(c->multi, fd, s) != CURLM_OK) return NULL;
    return TAKE(s);
}

// Never tells libcurl of a failure: it would refuse all requests of the client from then on. The
// one request that cannot be watched is given up instead.
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx) {
    struct http_client *c = ctx;
    struct socket_watch *s = socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(c->multi, fd, NULL);
        socket_watch_free(s);
        return 0;
    }
    if (!s) s = socket_watch_new(c, fd);
    int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    if (s && loop_watch_set(s->watch, events) == 0) return 0;
    struct http_call *call = call_of(easy);
    if (call) call->starved = true;
    return 0;
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *ctx) {
    (void)multi;
    struct http_client *c = ctx;
    if (timeout_ms < 0) loop_timer_cancel(c->timer);
    else loop_timer_set(c->timer, timeout_ms);
    return 0;
}

static int make_multi(struct http_client *c) {
    c->multi = curl_multi_init();
    if (!c->multi) return -ENOMEM;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    return 0;
}

int http_client_new(struct http_client **ret, struct loop *loop,
                    const struct http_client_opts *opts, struct fault *fault) {
    AUTO(http_client) struct http_client *c = mem_new(sizeof *c);
    if (!c) return -ENOMEM;
    c->loop = loop;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return -ENOMEM;
    c->curl_ready = true;
    int e = http_options_load(&c->options, opts, fault);
    if (e) return e;
    e = loop_timer_new(&c->timer, loop, on_timer, c);
    if (e) return e;
    e = make_multi(c);
    if (e) return e;
    *ret = TAKE(c);
    return 0;
}

static void destroy(struct http_client *c) {
    for (struct http_call *call; (call = take_idle(c));) http_call_free(call);
    curl_multi_cleanup(c->multi);
    loop_timer_free(c->timer);
    http_options_fini(&c->options);
    if (c->curl_ready) curl_global_cleanup();
    free(c);
}

struct http_client *http_client_free(struct http_client *c) {
    if (!c) return NULL;
    while (c->running) http_cancel(c->running);
    // In the middle of a callback the answer is still borrowed from the client.
    if (c->handing_out) c->doomed = true;
    else destroy(c);
    return NULL;
}

int http_send(struct http_client *c, const struct http_request *request,
              struct http_call **ret_call) {
    const struct http_manner manner = {.repeatable = http_method_repeats(request->method)};
    struct http_call *call = take_idle(c);
    if (!call) call = http_call_new(&c->options);
    if (!call) return -ENOMEM;
    call->client = c;
    int e = http_call_prepare(call, request, &manner);
    if (!e && curl_multi_add_handle(c->multi, call->easy) != CURLM_OK) e = -ENOMEM;
    if (e) {
        retire(call);
        return e;
    }
    list_add(&c->running, call);
    const struct http_options *o = &c->options;
    if (o->tracer)
        call->trace_id = http_tracer_request(o->tracer, request, &call->origin, o->user_agent);
    *ret_call = call;
    return 0;
}

struct http_call *http_cancel(struct http_call *call) {
    if (!call) return NULL;
    struct http_tracer *tracer = call->options->tracer;
    if (tracer) http_tracer_cancelled(tracer, call->trace_id);
    withdraw(call);
    retire(call);
    return NULL;
}

struct str http_header(const struct http_response *r, const char *name) {
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_nocase(r->headers[i].name, str_from(name))) return r->headers[i].value;
    return STR_NONE;
}
