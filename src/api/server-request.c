// SPDX-License-Identifier: Apache-2.0
// From the lines of a request to what is asked of the gate. The checks stand in the order in which
// the servers that clients know make them, since a request may be wrong in several ways at once.
#include <errno.h>

#include "api/http-body.h"
#include "api/http-form.h"
#include "api/server-internal.h"
#include "base/hash.h"
#include "base/time.h"

enum { QUERY_JSON_MAX_BYTES = 1 << 20 };

struct method {
    const char *name;
    enum operation op;
    bool body; // its data come in the body; else in the query
};
static const struct method methods[] = {
    {"GET", OP_READ, false},    {"LIST", OP_LIST, false},     {"PUT", OP_UPDATE, true},
    {"POST", OP_UPDATE, true},  {"DELETE", OP_DELETE, false}, {"PATCH", OP_PATCH, true},
    {"HEAD", OP_HEADER, false}, {"HELP", OP_HELP, false},     {"OPTIONS", OP_READ, false},
};

static const struct method *method_named(struct str name) {
    for (size_t i = 0; i < LEN(methods); i++)
        if (str_eqz(name, methods[i].name)) return &methods[i];
    return NULL;
}

bool demand_has_body(struct str name) {
    const struct method *m = method_named(name);
    return m && m->body;
}

static int refuse(struct early *e, int status, struct str text) {
    early_error(e, status, text);
    return DEMAND_E_EARLY;
}

static int refuse_z(struct early *e, int status, const char *text) {
    return refuse(e, status, str_from(text));
}

static void add_html(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&': buf_addz(out, "&amp;"); break;
        case '<': buf_addz(out, "&lt;"); break;
        case '>': buf_addz(out, "&gt;"); break;
        case '"': buf_addz(out, "&#34;"); break;
        case '\'': buf_addz(out, "&#39;"); break;
        default: buf_addc(out, text.p[i]);
        }
    }
}

static int moved(const struct demand *d, struct str method, struct early *e) {
    e->status = 307;
    e->location = buf_str(&d->path.location);
    if (!str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"))) return DEMAND_E_EARLY;
    e->content_type = "text/html; charset=utf-8";
    buf_addz(&e->body, "<a href=\"");
    add_html(&e->body, e->location);
    buf_addz(&e->body, "\">Temporary Redirect</a>.\n\n");
    return DEMAND_E_EARLY;
}

static int malformed(struct early *e) {
    e->status = 400;
    e->content_type = "text/plain; charset=utf-8";
    e->bare = e->close = true;
    buf_addz(&e->body, "400 Bad Request");
    return DEMAND_E_EARLY;
}

static int about_the_server(struct str method, struct early *e) {
    if (!str_eq(method, STR("OPTIONS"))) return refuse(e, 404, STR_NONE);
    e->status = 200;
    e->bare = true;
    return DEMAND_E_EARLY;
}

static int check_target(struct demand *d, struct str method, struct early *e) {
    switch (d->path.kind) {
    case HTTP_PATH_API: return 0;
    case HTTP_PATH_MALFORMED: return malformed(e);
    case HTTP_PATH_SERVER: return about_the_server(method, e);
    case HTTP_PATH_NOT_FOUND: return refuse(e, 404, STR_NONE);
    case HTTP_PATH_MOVED: return moved(d, method, e);
    case HTTP_PATH_UNPRINTABLE:
    default:
        e->status = 400;
        e->bare = true;
        return DEMAND_E_EARLY;
    }
}

int demand_check(struct demand *d, struct str method, struct early *e) {
    if (!http_headers_framing_ok(&d->headers, d->is_http_1_0)) return malformed(e);
    if (d->headers.mfa.error || d->headers.forwarded.error) return -ENOMEM;
    int outcome = check_target(d, method, e);
    if (outcome) return outcome;
    if (!method_named(method)) return refuse(e, 405, STR_NONE);
    if (d->path.relative) return refuse_z(e, 400, "relative paths not supported");
    return 0;
}

static int make_reader(struct demand *d) { return d->reader ? 0 : json_reader_new(&d->reader); }

// The query: whether help or a list is asked for, and the data of what has no body.
static int read_query(struct demand *d, const struct method *m, struct early *e) {
    struct http_query q;
    AUTO_WIPED struct buf text = buf_make(QUERY_JSON_MAX_BYTES);
    if (!buf_reserve(&text, 2 * d->path.query.n + 64)) return -ENOMEM;
    int outcome = http_query_write(&q, &text, d->path.query, m->op != OP_READ);
    if (outcome == HTTP_FORM_E_MANY) return refuse_z(e, 400, "too many query parameters");
    if (outcome) return outcome;
    struct request *r = &d->request;
    if (m->op == OP_READ && q.list_bad) return refuse(e, 400, STR_NONE);
    if (m->op == OP_READ && q.list) r->op = OP_LIST;
    if (q.help) r->op = OP_HELP;
    if (m->body || !q.any) return 0;
    outcome = make_reader(d);
    return outcome ? outcome : json_read(d->reader, buf_str(&text), &r->data, NULL);
}

static int read_body(struct demand *d, const struct method *m, struct str body, struct early *e) {
    struct fault fault = {""};
    if (m->op == OP_PATCH) {
        int status = http_body_patch_type(d->headers.content_type, &fault);
        if (status) return refuse_z(e, status, fault.text);
    }
    if (body.n == 0) return 0;
    int outcome = make_reader(d);
    if (outcome) return outcome;
    outcome = http_body_read(d->reader, d->headers.content_type, body, &d->request.data, &fault);
    return outcome > 0 ? refuse_z(e, 400, fault.text) : outcome;
}

// Is it said that another namespace is meant? (The gate says what is wrong with it.)
static bool in_namespace(struct str name) {
    while (name.n > 0 && name.p[0] == '/') name = str_sub(name, 1, name.n);
    while (name.n > 0 && name.p[name.n - 1] == '/') name.n--;
    return name.n > 0 && !str_eq(name, STR("root"));
}

static int read_headers(struct demand *d, struct early *e) {
    struct fault fault = {""};
    struct request *r = &d->request;
    if (http_headers_wrap_ttl(d->headers.wrap_ttl, &r->wrap_ttl_s, &fault))
        return refuse_z(e, 400, fault.text);
    if (d->headers.mfa_fault) return refuse_z(e, 400, d->headers.mfa_fault);
    r->wrap_jwt = str_eq(d->headers.wrap_format, STR("jwt"));
    r->mfa = list_of(&d->headers.mfa);
    r->token = http_headers_token(&d->headers);
    r->user_agent = d->headers.user_agent;
    if (in_namespace(d->headers.namespace)) r->namespace = d->headers.namespace;
    return 0;
}

static int check_slash(const struct demand *d, const struct method *m, struct early *e) {
    struct str path = buf_str(&d->path.path);
    bool writes = m->body && d->request.op != OP_HELP;
    if (!writes || !str_ends(path, STR("/")) || d->request.namespace.p) return 0;
    return refuse_z(e, 400, "cannot write to a path ending in '/'");
}

// A list is asked of the path with a slash at its end.
static void set_path(struct demand *d) {
    struct str path = buf_str(&d->path.path);
    if (d->request.op == OP_LIST && !str_ends(path, STR("/"))) buf_addc(&d->path.path, '/');
    d->request.path = buf_str(&d->path.path);
}

// A uuid (RFC 9562, version 4).
static void make_id(struct id_source *ids, char ret[37]) {
    static const char digits[] = "0123456789abcdef";
    struct {
        char seed[sizeof ids->seed];
        uint64_t count;
    } from = {.count = atomic_fetch_add_explicit(&ids->given, 1, memory_order_relaxed)};
    memcpy(from.seed, ids->seed, sizeof from.seed);
    struct hash128 hash = hash128((struct str){(const char *)&from, sizeof from});
    uint8_t random[16];
    memcpy(random, &hash, sizeof random);
    random[6] = (uint8_t)((random[6] & 0x0F) | 0x40);
    random[8] = (uint8_t)((random[8] & 0x3F) | 0x80);
    char *at = ret;
    for (size_t i = 0; i < sizeof random; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[random[i] >> 4];
        *at++ = digits[random[i] & 15];
    }
    *at = '\0';
}

int demand_read(struct demand *d, struct str name, struct str body, struct id_source *ids,
                struct early *e) {
    const struct method *m = method_named(name);
    struct request *r = &d->request;
    if (!m) return refuse(e, 405, STR_NONE); // demand_check has said so already
    *r = (struct request){.op = m->op, .method = name, .now_ms = time_now_ms()};
    int outcome = d->path.query.n > 0 ? read_query(d, m, e) : 0;
    if (!outcome && m->body && r->op != OP_HELP) outcome = read_body(d, m, body, e);
    if (!outcome) outcome = read_headers(d, e);
    if (!outcome && str_eq(name, STR("OPTIONS")))
        outcome = refuse_z(e, 400, "cannot handle internal-only request operation");
    if (!outcome) outcome = check_slash(d, m, e);
    if (outcome) return outcome;
    make_id(ids, d->id);
    set_path(d);
    r->id = (struct str){d->id, sizeof d->id - 1};
    return d->path.path.error;
}

void demand_set_client(struct demand *d, struct list proxies, struct str peer) {
    struct str forwarded = buf_str(&d->headers.forwarded);
    bool other = http_forwarded_client(proxies, peer, forwarded, d->client);
    d->request.remote_address = other ? str_from(d->client) : peer;
}

void demand_fini(struct demand *d) {
    http_path_fini(&d->path);
    http_headers_fini(&d->headers);
    if (d->reader) json_reader_wipe(d->reader);
    d->reader = json_reader_free(d->reader);
}
