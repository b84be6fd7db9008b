// SPDX-License-Identifier: Apache-2.0
// One host is asked as long as it answers. Everything that this program asks of an engine may be
// asked twice (documents have their ids), so a request whose answer was lost goes to the next host.
#include "elastic/engine.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "elastic/engine-internal.h"
#include "http/exchange.h"
#include "http/url.h"

enum {
    ANSWER_MAX_BYTES = 64 * 1024 * 1024,
    ANSWER_KEPT_BYTES = 4 * 1024 * 1024,
    TIMEOUT_DEFAULT_MS = 90 * TIME_SECOND_MS,
    RETRY_AFTER_MAX_MS = TIME_HOUR_MS,
    PACKED_LEAST_BYTES = 512, // smaller bodies are sent as they are
};

struct elastic {
    struct elastic_opts opts;
    const atomic_bool *stop;
    struct http_exchange *exchange;
    struct elastic_host *hosts;
    size_t host_count;
    size_t first; // is asked first
    size_t asked; // was asked last
    struct elastic_lines lines;
    struct elastic_gzip gzip;
    struct buf url;
    struct buf bodies[2]; // of answers: one is kept while the next host is asked
    size_t receiving;     // which of them the next answer goes to
};

static int make_exchange(struct elastic *e, struct fault *fault) {
    const struct elastic_opts *o = &e->opts;
    const struct http_client_opts opts = {
        .proxy_url = o->proxy_disable ? "" : o->proxy_url,
        .no_proxy = o->no_proxy,
        .tls = o->tls,
        .user_agent = "gatehouse/" GATEHOUSE_VERSION,
    };
    return http_exchange_new(&e->exchange, &opts, fault);
}

static int make_hosts(struct elastic *e, struct fault *fault) {
    const struct elastic_opts *o = &e->opts;
    if (o->host_count == 0) return fault_set(fault, -EINVAL, "hosts: there is none");
    e->hosts = mem_new_array(o->host_count, sizeof *e->hosts);
    if (!e->hosts) return -ENOMEM;
    for (size_t i = 0; i < o->host_count; i++) {
        e->host_count++;
        int r = elastic_host_read(&e->hosts[i], o, o->hosts[i], fault);
        if (r) return r;
    }
    return 0;
}

static int check(struct elastic *e, struct fault *fault) {
    const char *protocol = e->opts.protocol;
    if (protocol && protocol[0] && strcmp(protocol, "http") != 0 && strcmp(protocol, "https") != 0)
        return fault_set(fault, -EINVAL, "protocol: neither http nor https");
    return elastic_auth_check(&e->opts, fault);
}

static int make_lines(struct elastic *e, struct fault *fault) {
    return elastic_lines_init(&e->lines, &e->opts, fault);
}

static int make_gzip(struct elastic *e, struct fault *fault) {
    int level = e->opts.compression_level;
    if (level < 0 || level > Z_BEST_COMPRESSION)
        return fault_set(fault, -EINVAL, "compression_level: not a number from 0 to 9");
    return level ? elastic_gzip_init(&e->gzip, level) : 0;
}

int elastic_check(const struct elastic_opts *opts, struct fault *fault) {
    static int (*const steps[])(struct elastic *, struct fault *) = {check, make_hosts, make_lines};
    AUTO(elastic) struct elastic *e = mem_new(sizeof *e);
    if (!e) return -ENOMEM;
    e->opts = *opts;
    int r = 0;
    for (size_t i = 0; !r && i < LEN(steps); i++) r = steps[i](e, fault);
    return r;
}

int elastic_new(struct elastic **ret, const struct elastic_opts *opts, const atomic_bool *stop,
                struct fault *fault) {
    static int (*const steps[])(struct elastic *, struct fault *) = {
        check, make_hosts, make_lines, make_gzip, make_exchange,
    };
    AUTO(elastic) struct elastic *e = mem_new(sizeof *e);
    if (!e) return -ENOMEM;
    e->opts = *opts;
    e->stop = stop;
    e->url = buf_make(ELASTIC_URL_MAX_BYTES);
    for (size_t i = 0; i < LEN(e->bodies); i++) e->bodies[i] = buf_make(ANSWER_MAX_BYTES);
    for (size_t i = 0; i < LEN(steps); i++) {
        int r = steps[i](e, fault);
        if (r) return r;
    }
    *ret = TAKE(e);
    return 0;
}

struct elastic *elastic_free(struct elastic *e) {
    if (!e) return NULL;
    http_exchange_free(e->exchange);
    for (size_t i = 0; i < e->host_count; i++) elastic_host_fini(&e->hosts[i]);
    free(e->hosts);
    elastic_lines_fini(&e->lines);
    elastic_gzip_fini(&e->gzip);
    buf_fini(&e->url);
    for (size_t i = 0; i < LEN(e->bodies); i++) buf_fini(&e->bodies[i]);
    free(e);
    return NULL;
}

const struct elastic_opts *elastic_opts_of(const struct elastic *e) { return &e->opts; }

const char *elastic_host(const struct elastic *e) { return e->hosts[e->asked].base; }

// RFC 9110 section 10.2.3: seconds, or a date, by the clock of who says so.
static int64_t retry_after_ms(const struct http_response *r) {
    struct str value = http_header(r, "Retry-After");
    uint64_t seconds = 0;
    int64_t at_ms = 0, now_ms = 0;
    if (parse_u64(value, &seconds))
        return seconds < RETRY_AFTER_MAX_MS / TIME_SECOND_MS ? (int64_t)seconds * TIME_SECOND_MS
                                                             : RETRY_AFTER_MAX_MS;
    if (!time_parse_http(value, &at_ms)) return 0;
    if (!time_parse_http(http_header(r, "Date"), &now_ms)) now_ms = time_now_ms();
    if (at_ms <= now_ms) return 0;
    return at_ms - now_ms < RETRY_AFTER_MAX_MS ? at_ms - now_ms : RETRY_AFTER_MAX_MS;
}

// What came of asking one host.
enum came {
    CAME_ANSWER,
    CAME_GATEWAY, // an answer, but perhaps another host knows better
    CAME_NOTHING,
    CAME_TROUBLE, // that every host would give
};

static enum came judge_status(int status) {
    return status == 502 || status == 503 || status == 504 ? CAME_GATEWAY : CAME_ANSWER;
}

// Whether the next host may fare better. HTTP_OK is judged by its status.
static const enum came came_of[] = {
    [HTTP_DNS] = CAME_NOTHING,       [HTTP_CONNECT] = CAME_NOTHING, [HTTP_PROXY] = CAME_NOTHING,
    [HTTP_TLS] = CAME_NOTHING,       [HTTP_TIMEOUT] = CAME_NOTHING, [HTTP_BROKEN] = CAME_NOTHING,
    [HTTP_TOO_LARGE] = CAME_TROUBLE, [HTTP_FAILED] = CAME_NOTHING,
};

// One try: what is sent, and what came of it.
struct attempt {
    const struct elastic_request *request;
    struct str body; // as sent
    bool packed;
    struct elastic_answer answer;
};

static int send_to(struct elastic *e, const struct attempt *a, const struct elastic_host *host,
                   struct http_response *ret) {
    buf_reset(&e->url);
    buf_addz(&e->url, host->base);
    buf_addz(&e->url, a->request->path);
    const char *url = buf_z(&e->url);
    if (!url) return e->url.error == -EMSGSIZE ? -EINVAL : -ENOMEM;
    elastic_lines_set(&e->lines, host, a->request, a->packed);
    buf_shrink(&e->bodies[e->receiving], ANSWER_KEPT_BYTES);
    const struct http_request request = {
        .method = a->request->method,
        .url = url,
        .body = a->body,
        .headers = e->lines.lines,
        .header_count = e->lines.count,
        .timeout_ms = e->opts.timeout_ms > 0 ? e->opts.timeout_ms : TIMEOUT_DEFAULT_MS,
        .max_body_bytes = ANSWER_MAX_BYTES,
        .into = &e->bodies[e->receiving],
    };
    return http_exchange_send(e->exchange, &request, true, e->stop, ret);
}

// Words of the TLS libraries for an answer that is no TLS.
static const char *const no_tls[] = {"wrong version number", "unexpected TLS packet",
                                     "packet length too long", "record layer failure"};

static const char *hint(const struct elastic *e, const struct elastic_host *host,
                        const struct http_response *r) {
    struct http_origin origin;
    const char *proxy = e->opts.proxy_disable ? NULL : e->opts.proxy_url;
    char port[32];
    for (size_t i = 0; r->result == HTTP_TLS && i < LEN(no_tls); i++)
        if (strstr(r->fault.text, no_tls[i])) return " (does that port speak plain http?)";
    if ((r->result != HTTP_CONNECT && r->result != HTTP_PROXY) || !proxy || !*proxy) return "";
    if (http_origin_parse(str_from(host->base), &origin, NULL)) return "";
    snprintf(port, sizeof port, " port %d", origin.port);
    return strstr(r->fault.text, port) || strstr(r->fault.text, "proxy")
               ? ""
               : " (that is the proxy of proxy_url)";
}

static void say_failure(const struct elastic *e, const struct elastic_host *host,
                        const struct http_response *r, struct fault *fault) {
    fault_set(fault, 0, "%s: %s%s", host->base, r->fault.text, hint(e, host, r));
}

// Outcomes: 0 with what came; negative: nobody else is to be asked.
static int ask_one(struct elastic *e, struct attempt *a, enum came *ret, struct fault *fault) {
    struct http_response response;
    const struct elastic_host *host = &e->hosts[e->asked];
    int r = send_to(e, a, host, &response);
    if (r == -EINVAL)
        return fault_set(fault, -EIO, "%s %s: not a request that can be sent", a->request->method,
                         a->request->path);
    if (r) return r;
    if (response.result != HTTP_OK) {
        say_failure(e, host, &response, fault);
        *ret = came_of[response.result];
        return *ret == CAME_TROUBLE ? -EIO : 0;
    }
    *ret = judge_status(response.status);
    a->answer = (struct elastic_answer){.status = response.status,
                                        .body = response.body,
                                        .retry_after_ms = retry_after_ms(&response),
                                        .repeated = response.connect_ms > 0,
                                        .host = host->base};
    return 0;
}

// The answer is in one body, the next one is received into the other.
static void keep(struct elastic *e, const struct attempt *a, struct elastic_answer *ret) {
    e->first = e->asked;
    e->receiving = !e->receiving;
    *ret = a->answer;
}

// Outcomes: 0; positive: nobody answered, the fault says why; negative.
static int ask_all(struct elastic *e, struct attempt *a, struct elastic_answer *ret,
                   struct fault *fault) {
    size_t first = e->first;
    bool has_answer = false;
    for (size_t i = 0; i < e->host_count; i++) {
        enum came came = CAME_NOTHING;
        e->asked = (first + i) % e->host_count;
        int r = ask_one(e, a, &came, fault);
        if (r) return r;
        if (came == CAME_NOTHING) continue;
        has_answer = true;
        a->answer.repeated |= i > 0;
        keep(e, a, ret);
        if (came == CAME_ANSWER) return 0;
    }
    if (!has_answer) return 1;
    e->asked = e->first;
    return 0;
}

static int pack(struct elastic *e, struct attempt *a) {
    a->body = a->request->body;
    if (!e->gzip.ready || a->body.n < PACKED_LEAST_BYTES) return 0;
    a->packed = true;
    return elastic_gzip_pack(&e->gzip, a->request->body, &a->body);
}

int elastic_ask(struct elastic *e, const struct elastic_request *request,
                struct elastic_answer *ret, struct fault *fault) {
    struct attempt a = {.request = request};
    int r = pack(e, &a);
    if (r == -EMSGSIZE)
        return fault_set(fault, -EIO, "%s %s: the body is too large to be compressed",
                         request->method, request->path);
    if (r) return r;
    struct elastic_answer answer;
    r = ask_all(e, &a, &answer, fault);
    if (r > 0) return -EIO;
    if (r == 0) *ret = answer;
    return r;
}
