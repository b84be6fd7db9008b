// SPDX-License-Identifier: Apache-2.0
// One request and its answer. The library calls exchange_handle first when the headers are there,
// then with each piece of the body, then once more without one; only then is the gate asked.
//
// A body is always read to its end before anything is answered, or the connection is closed: an
// answer given earlier would leave the rest of the body to be taken for the next request.
//
// The gate may answer at once or from another thread. `progress` decides who goes on: whoever comes
// second, the answer or the suspension, sees that the other was there.
//
// A connection is suspended not in the call that asks the gate, but in the next one. One that was
// suspended at once is read from when it is resumed, and closed without an answer where the client
// has ended its side; one whose request the library has seen go unanswered for a turn is not. In
// between the library may end the connection: then the exchange is left to the gate.
#include "api/server-internal.h"
#include "base/time.h"
#include "crypto/digest.h"

enum {
    BODY_FACTOR = 3, // how much longer than its headers
    ANSWER_FACTOR = 6,
    SLOWEST_BYTES = 16 << 10, // in a second
    FIRST_BYTES = 16 << 10,   // room made for a body before it is known to come
    BODIES_AT_ONCE = 4,       // largest bodies that may be in memory at the same time
};

enum progress {
    PROGRESS_READING,
    PROGRESS_ASKED,
    PROGRESS_SUSPENDED,
    PROGRESS_ANSWERED,
    PROGRESS_LEFT, // by the library: the gate's answer is its end
};

struct exchange {
    struct server *server;
    struct link *link;
    struct MHD_Connection *connection;
    char *target; // as on the wire
    bool begun;   // the headers have been read
    bool early_known, too_large, crowded, counted;
    struct wire_check wire;
    struct demand demand;
    struct early early;
    struct buf body;
    size_t received, charged;
    int64_t begun_ms; // monotonic
    atomic_int progress;
    uint64_t ticket; // 0: does not wait for a person
    bool watched;    // its peer's end is waited for
    int status;
    size_t answer_bytes;
    struct MHD_Response *response;
};

struct link *link_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// What sending or taking that many bytes may take.
static int64_t allowance_ms(const struct exchange *x, int factor, size_t bytes) {
    int64_t base = x->server->opts.headers_timeout_ms * factor;
    return base + (int64_t)(bytes / SLOWEST_BYTES) * TIME_SECOND_MS;
}

void *exchange_begin(void *arg, const char *target, struct MHD_Connection *connection) {
    struct server *s = arg;
    struct link *l = link_of(connection);
    struct exchange *x = mem_new(sizeof *x);
    if (!x) return NULL;
    x->server = s;
    x->link = l;
    x->connection = connection;
    x->target = mem_copy(target, strlen(target));
    wire_check_begin(&x->wire, target);
    x->body = buf_make(s->opts.body_max);
    x->early.body = buf_make(1 << 20);
    x->demand.headers = http_headers_make();
    if (l) link_allow(l, s->opts.headers_timeout_ms);
    return x;
}

static void leave(struct server *s, bool working, bool unfinished) {
    pthread_mutex_lock(&s->lock);
    s->working -= working;
    s->unfinished -= unfinished;
    if (s->working == 0 || s->unfinished == 0) pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

// As long as the answer waits for a person, the client may tire of it. Where the system has no room
// to watch the socket, the person is waited for all the same.
static void watch_peer(struct exchange *x) {
    if (x->ticket) x->watched = hangup_watch(&x->server->hangup, x->link->fd, x->ticket);
}

static void forget_peer(struct exchange *x) {
    if (x->watched) hangup_forget(&x->server->hangup, x->link->fd);
    x->watched = false;
}

static void exchange_free(struct exchange *x) {
    if (x->response) MHD_destroy_response(x->response);
    atomic_fetch_sub(&x->server->buffered, (long long)x->charged);
    demand_fini(&x->demand);
    buf_wipe(&x->body);
    buf_fini(&x->early.body);
    free(x->target);
    free(x);
}

void exchange_end(void *arg, struct MHD_Connection *connection, void **exchange,
                  enum MHD_RequestTerminationCode code) {
    (void)connection;
    (void)code;
    struct server *s = arg;
    struct exchange *x = TAKE(*exchange);
    if (!x) return;
    if (x->link) link_allow(x->link, s->opts.idle_timeout_ms);
    forget_peer(x);
    if (x->counted) leave(s, false, true);
    uint64_t ticket = x->ticket;
    int expected = PROGRESS_ASKED;
    if (!atomic_compare_exchange_strong(&x->progress, &expected, PROGRESS_LEFT)) exchange_free(x);
    else if (ticket) gate_give_up(s->opts.gate, ticket);
}

static enum MHD_Result send_response(struct exchange *x, int status, struct MHD_Response *r,
                                     size_t bytes) {
    if (!r) return MHD_NO; // no memory: the connection is closed
    if (x->link) link_allow(x->link, allowance_ms(x, ANSWER_FACTOR, bytes));
    response_echo(r, x->demand.headers.namespace);
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result send_answer(struct exchange *x) {
    forget_peer(x);
    return send_response(x, x->status, TAKE(x->response), x->answer_bytes);
}

static enum MHD_Result send_early(struct exchange *x) {
    return send_response(x, x->early.status, early_response(&x->early), x->early.body.n);
}

static enum MHD_Result refuse(struct exchange *x, int status, const char *text, bool close) {
    early_error(&x->early, status, str_from(text));
    x->early.close = close;
    return send_early(x);
}

static enum MHD_Result refuse_size(struct exchange *x) {
    x->early.bare = true;
    return refuse(x, 413, "http: request body too large", true);
}

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
    (void)kind;
    struct exchange *x = arg;
    wire_check_line(&x->wire, name, value);
    http_headers_add(&x->demand.headers, str_from(name), str_from(value));
    return MHD_YES;
}

// Beyond this it is not worth waiting for the end of a body that is refused anyhow.
static bool is_hopeless(const struct exchange *x, uint64_t bytes) {
    return bytes / 2 > x->server->opts.body_max;
}

// The headers are there.
static enum MHD_Result begin(struct exchange *x, const char *method, const char *version) {
    x->begun = true;
    x->begun_ms = time_mono_ms();
    if (x->link) link_allow(x->link, allowance_ms(x, BODY_FACTOR, 0));
    if (!x->target || !x->link) return MHD_NO;
    struct demand *d = &x->demand;
    if (http_path_read(&d->path, str_from(x->target))) return MHD_NO;
    d->is_http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    wire_check_version(&x->wire, version);
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
    wire_check_end(&x->wire);
    d->headers.bad_framing = d->headers.bad_framing || x->wire.gap;
    int outcome = demand_check(d, str_from(method), &x->early);
    if (outcome < 0) return MHD_NO;
    x->early_known = outcome == DEMAND_E_EARLY;
    // A client that waits for "100 Continue" is told before it sends its body.
    bool waits = d->headers.expects_continue && x->early_known;
    if (waits) x->early.close = true;
    if (x->early.close) return send_early(x);
    return is_hopeless(x, d->headers.content_length) ? refuse_size(x) : MHD_YES;
}

// Counts what the body takes of the memory that all bodies share. False: it is used up.
static bool charge(struct exchange *x) {
    long long more = (long long)(x->body.cap - x->charged);
    if (more == 0) return true;
    x->charged = x->body.cap;
    long long max = (long long)x->server->opts.body_max * BODIES_AT_ONCE;
    return atomic_fetch_add(&x->server->buffered, more) + more <= max;
}

static void give_back(struct exchange *x) {
    buf_wipe(&x->body);
    atomic_fetch_sub(&x->server->buffered, (long long)x->charged);
    x->charged = 0;
}

static void keep(struct exchange *x, struct str piece) {
    uint64_t announced = x->demand.headers.content_length;
    // A body in one piece is never moved, so that no copies of it stay behind.
    if (x->body.n == 0 && announced > 0)
        buf_reserve(&x->body, announced < FIRST_BYTES ? (size_t)announced : FIRST_BYTES);
    buf_add_str(&x->body, piece);
    x->too_large = x->body.error != 0;
    x->crowded = !charge(x);
    if (x->too_large || x->crowded) give_back(x);
}

static enum MHD_Result take_piece(struct exchange *x, const char *method, struct str piece) {
    x->received += piece.n;
    if (is_hopeless(x, x->received)) return MHD_NO;
    int64_t due_ms = x->begun_ms + allowance_ms(x, BODY_FACTOR, x->received);
    link_allow(x->link, due_ms - time_mono_ms());
    bool wanted = !x->early_known && !x->too_large && !x->crowded;
    if (wanted && demand_has_body(str_from(method))) keep(x, piece);
    return MHD_YES;
}

// The gate's answer; any thread.
static void answered(void *arg, const struct answer *a) {
    struct exchange *x = arg;
    struct server *s = x->server;
    struct MHD_Connection *connection = x->connection;
    x->status = a->status;
    x->answer_bytes = a->body.n;
    x->response = answer_response(a);
    // Unless it is suspended or left, the exchange may be gone after this.
    int before = atomic_exchange(&x->progress, PROGRESS_ANSWERED);
    if (before == PROGRESS_SUSPENDED) MHD_resume_connection(connection);
    if (before == PROGRESS_LEFT) exchange_free(x);
    leave(s, true, false);
}

static bool enter(struct exchange *x) {
    struct server *s = x->server;
    pthread_mutex_lock(&s->lock);
    bool open = !atomic_load(&s->closing);
    s->working += open;
    s->unfinished += open;
    x->counted = open;
    pthread_mutex_unlock(&s->lock);
    return open;
}

static enum MHD_Result ask(struct exchange *x) {
    if (!enter(x)) return refuse(x, 503, "the server is shutting down", true);
    link_allow(x->link, 0);
    demand_set_client(&x->demand, list_of(&x->server->proxies), str_from(x->link->remote_address));
    atomic_store(&x->progress, PROGRESS_ASKED);
    x->ticket = gate_handle(x->server->opts.gate, &x->demand.request, answered, x);
    if (atomic_load(&x->progress) == PROGRESS_ANSWERED) return send_answer(x);
    watch_peer(x);
    return MHD_YES;
}

// Until the gate answers.
static enum MHD_Result suspend(struct exchange *x) {
    MHD_suspend_connection(x->connection);
    int expected = PROGRESS_ASKED;
    if (!atomic_compare_exchange_strong(&x->progress, &expected, PROGRESS_SUSPENDED))
        MHD_resume_connection(x->connection);
    return MHD_YES;
}

// The whole request is there.
static enum MHD_Result finish(struct exchange *x, const char *method) {
    if (x->early_known) return send_early(x);
    if (x->too_large) return refuse_size(x);
    if (x->crowded) return refuse(x, 503, "too many large requests at once", true);
    int outcome =
        demand_read(&x->demand, str_from(method), buf_str(&x->body), &x->server->ids, &x->early);
    buf_wipe(&x->body);
    if (outcome < 0) return MHD_NO;
    return outcome == DEMAND_E_EARLY ? send_early(x) : ask(x);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **exchange) {
    (void)arg;
    (void)connection;
    (void)url;
    struct exchange *x = *exchange;
    if (!x) return MHD_NO;
    if (!x->begun) return begin(x, method, version);
    int progress = atomic_load(&x->progress);
    if (progress == PROGRESS_ANSWERED) return send_answer(x);
    if (progress == PROGRESS_ASKED) return suspend(x);
    if (*upload_n == 0) return finish(x, method);
    struct str piece = {upload, *upload_n};
    *upload_n = 0;
    return take_piece(x, method, piece);
}
