// SPDX-License-Identifier: Apache-2.0
#include "sim/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/time.h"

enum { UPLOAD_MAX_BYTES = 1 << 30 };

struct exchange {
    char *uri;
    struct buf body;
    int64_t came_ms; // by the monotonic clock: when the request was whole
    bool started;
    bool counted;
    bool silent; // there will be no answer
    bool gone;   // the client has left while it waited
};

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection) {
    (void)cls;
    (void)connection;
    struct exchange *x = mem_new(sizeof *x);
    if (!x) return NULL;
    x->uri = mem_copy(uri, strlen(uri));
    x->body = buf_make(UPLOAD_MAX_BYTES);
    return x;
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **request,
                  enum MHD_RequestTerminationCode code) {
    (void)connection;
    (void)code;
    struct exchange_context *context = cls;
    struct exchange *x = *request;
    *request = NULL;
    if (!x) return;
    if (x->counted) limits_leave(&context->sim->limits);
    buf_fini(&x->body);
    free(x->uri);
    free(x);
}

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
    (void)kind;
    struct request *r = cls;
    if (r->n_headers == REQUEST_HEADERS_MAX) return MHD_NO;
    r->headers[r->n_headers++] = (struct request_header){str_from(name), str_from(value)};
    return MHD_YES;
}

static void read_address(struct request *ret, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (!info || !info->client_addr) return;
    if (info->client_addr->sa_family == AF_INET) {
        memcpy(&v4, info->client_addr, sizeof v4);
        ret->loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
        inet_ntop(AF_INET, &v4.sin_addr, ret->address, sizeof ret->address);
    }
    if (info->client_addr->sa_family != AF_INET6) return;
    memcpy(&v6, info->client_addr, sizeof v6);
    ret->loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    inet_ntop(AF_INET6, &v6.sin6_addr, ret->address, sizeof ret->address);
}

static void read_request(struct request *ret, const struct exchange *x,
                         struct MHD_Connection *connection, const char *method, bool tls) {
    *ret = (struct request){.method = str_from(method),
                            .body = buf_str(&x->body),
                            .waited_ms = time_mono_ms() - x->came_ms,
                            .tls = tls};
    read_address(ret, connection);
    struct str query = str_from(x->uri);
    ret->path = str_split(&query, '?');
    ret->query = query;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, ret);
}

static enum MHD_Result add_headers(struct MHD_Response *response, const struct reply *reply) {
    for (size_t i = 0; i < reply->n_headers; i++) {
        const char *name = reply->text.p + reply->headers[i].name;
        const char *value = reply->text.p + reply->headers[i].value;
        if (MHD_add_response_header(response, name, value) != MHD_YES) return MHD_NO;
    }
    return MHD_YES;
}

static enum MHD_Result send_reply(struct exchange_context *context, struct exchange *x,
                                  struct MHD_Connection *connection, struct reply *reply) {
    if (reply->delivery == REPLY_SILENCE) {
        x->silent = true;
        return body_keep_silent(&context->parking, connection) ? MHD_NO : MHD_YES;
    }
    if (reply->delivery == REPLY_AGAIN)
        return body_ask_again(&context->parking, connection, reply->delay_ms, &x->gone) ? MHD_NO
                                                                                        : MHD_YES;
    if (reply->delivery == REPLY_NOTHING) {
        body_close_hard(connection);
        return MHD_NO;
    }
    struct MHD_Response *response = body_response(&context->parking, connection, reply);
    if (!response) return MHD_NO;
    enum MHD_Result done = add_headers(response, reply);
    if (done == MHD_YES) done = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result answer(struct exchange_context *context, struct exchange *x,
                              struct MHD_Connection *connection, const char *method) {
    struct request request;
    AUTO_FINI(reply) struct reply reply = reply_make();
    if (!x->came_ms) x->came_ms = time_mono_ms();
    read_request(&request, x, connection, method, context->tls);
    int e = sim_handle(context->sim, &request, &reply);
    x->counted = reply.counted;
    return e ? MHD_NO : send_reply(context, x, connection, &reply);
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **request) {
    (void)url;
    (void)version;
    struct exchange *x = *request;
    if (!x || !x->uri || x->silent || x->gone) return MHD_NO;
    if (!x->started) {
        x->started = true;
        return MHD_YES;
    }
    if (*upload_n == 0) return answer(cls, x, connection, method);
    buf_add(&x->body, upload, *upload_n);
    *upload_n = 0;
    return x->body.error ? MHD_NO : MHD_YES;
}
