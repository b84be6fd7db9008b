// SPDX-License-Identifier: Apache-2.0
// One line when a request goes out and one when its answer is there, with the field names of
// Elastic's tracer. Each line is made in two passes: what is secret in any part of it is learned
// first, then the parts are written masked, and what was written is searched once more.
#include "http/tracer.h"

#include <errno.h>

#include "base/time.h"
#include "http/mask-internal.h"
#include "http/tracer-internal.h"
#include "json/write.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, PART_MAX_BYTES = 8 * 1024 * 1024 };

struct http_tracer {
    struct trace_file file;
    struct mask mask;
    struct buf line, part; // being written
    char base_id[24];      // of this tracer's transactions
    uint64_t count;
    bool failing; // the last line could not be written
    bool told;    // and that has been told
    struct fault trouble;
};

int http_tracer_new(struct http_tracer **ret, const char *directory, const char *name,
                    struct fault *fault) {
    AUTO(http_tracer) struct http_tracer *t = mem_new(sizeof *t);
    if (!t) return -ENOMEM;
    t->file = (struct trace_file){.directory = -1, .fd = -1};
    t->line = buf_make(LINE_MAX_BYTES);
    t->part = buf_make(PART_MAX_BYTES);
    AUTO_FINI(buf) struct buf id = buf_make(sizeof t->base_id);
    buf_addf(&id, "%016llX", (unsigned long long)time_now_ms());
    memcpy(t->base_id, id.p, id.n);
    int e = mask_init(&t->mask);
    if (!e) e = trace_file_open(&t->file, directory, name, fault);
    if (e) return e;
    *ret = TAKE(t);
    return 0;
}

struct http_tracer *http_tracer_free(struct http_tracer *t) {
    if (!t) return NULL;
    trace_file_close(&t->file);
    mask_fini(&t->mask);
    buf_fini(&t->line);
    buf_fini(&t->part);
    free(t);
    return NULL;
}

bool http_tracer_trouble(struct http_tracer *t, struct fault *ret) {
    if (!t->failing || t->told) return false;
    t->told = true;
    *ret = t->trouble;
    return true;
}

struct str http_tracer_last_line(const struct http_tracer *t) {
    return buf_str(&t->line);
}

static void fail(struct http_tracer *t, int e) {
    if (!t->failing) t->told = false;
    t->failing = true;
    fault_set(&t->trouble, 0,
              "request tracer: %s"
              ".ndjson cannot be written: %s",
              t->file.stem, error_text(e));
}

// The part that has been written masked becomes a string of the line. Escaping might have made a
// secret of what was none.
static void add_part(struct http_tracer *t) {
    size_t from = t->line.n;
    json_add_text(&t->line, buf_str(&t->part));
    if (t->part.error) t->mask.error = t->part.error;
    if (t->part.error || t->line.error) return;
    if (!mask_finds(&t->mask, str_sub(buf_str(&t->line), from, t->line.n))) return;
    buf_cut(&t->line, from);
    json_add_text(&t->line, STR(MASK_STARS));
}

static struct buf *begin_part(struct http_tracer *t) {
    buf_reset(&t->part);
    return &t->part;
}

static void add_text(struct http_tracer *t, const char *key, struct str text) {
    json_key(&t->line, str_from(key));
    mask_text(&t->mask, begin_part(t), text);
    add_part(t);
}

static void add_number(struct http_tracer *t, const char *key, int64_t value) {
    json_key(&t->line, str_from(key));
    json_add_i64(&t->line, value);
}

static void begin_line(struct http_tracer *t, const char *message, uint64_t id) {
    char now[TIME_RFC3339_MAX];
    time_format_rfc3339(time_now_ms(), now);
    buf_reset(&t->line);
    json_open(&t->line, '{');
    json_key(&t->line, STR("log.level"));
    json_add_str(&t->line, STR("debug"));
    json_key(&t->line, STR("@timestamp"));
    json_add_str(&t->line, str_from(now));
    json_key(&t->line, STR("message"));
    json_add_str(&t->line, str_from(message));
    json_key(&t->line, STR("transaction.id"));
    json_comma(&t->line);
    buf_addf(&t->line, "\"%s-%llu\"", t->base_id, (unsigned long long)id);
}

static void end_line(struct http_tracer *t) {
    json_close(&t->line, '}');
    buf_addc(&t->line, '\n');
    int e = t->mask.error ? t->mask.error : t->line.error;
    if (!e) e = trace_file_write(&t->file, buf_str(&t->line), time_now_ms());
    if (e) fail(t, e);
    else t->failing = false;
    t->mask.error = 0;
}

// A body's four fields; `side` is "http.request" or "http.response".
static void add_body(struct http_tracer *t, const char *side, struct str body) {
    AUTO_FINI(buf) struct buf key = buf_make(64);
    struct buf *part = begin_part(t);
    mask_body(&t->mask, part, body, TRACE_BODY_BYTES);
    bool cut = part->n > TRACE_BODY_BYTES || body.n > TRACE_BODY_BYTES;
    buf_cut(part, TRACE_BODY_BYTES);
    buf_addf(&key, "%s.body.content", side);
    json_key(&t->line, buf_str(&key));
    add_part(t);
    buf_reset(&key);
    buf_addf(&key, "%s.body.truncated", side);
    json_key(&t->line, buf_str(&key));
    json_add_bool(&t->line, cut);
    buf_reset(&key);
    buf_addf(&key, "%s.body.bytes", side);
    json_key(&t->line, buf_str(&key));
    json_add_i64(&t->line, (int64_t)body.n);
    if (key.error) t->line.error = key.error;
}

static bool is_first_of_name(const struct http_header *headers, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (str_eq_nocase(headers[k].name, headers[i].name)) return false;
    return true;
}

static void add_header_values(struct http_tracer *t, const struct http_header *headers, size_t n,
                              struct str name) {
    json_open(&t->line, '[');
    for (size_t i = 0; i < n; i++) {
        if (!str_eq_nocase(headers[i].name, name)) continue;
        json_comma(&t->line);
        mask_header(&t->mask, begin_part(t), headers[i].name, headers[i].value);
        add_part(t);
    }
    json_close(&t->line, ']');
}

static void add_headers(struct http_tracer *t, const char *key, const struct http_header *headers,
                        size_t n) {
    json_key(&t->line, str_from(key));
    json_open(&t->line, '{');
    for (size_t i = 0; i < n; i++) {
        if (!is_first_of_name(headers, i)) continue;
        json_comma(&t->line);
        mask_text(&t->mask, begin_part(t), headers[i].name);
        add_part(t);
        buf_addc(&t->line, ':');
        add_header_values(t, headers, n, headers[i].name);
    }
    json_close(&t->line, '}');
}

static void learn_headers(struct http_tracer *t, const struct http_header *headers, size_t n) {
    for (size_t i = 0; i < n; i++) mask_learn_header(&t->mask, headers[i].name, headers[i].value);
}

static struct str header_of(const struct http_header *headers, size_t n, const char *name) {
    const struct http_response r = {.headers = headers, .header_count = n};
    return http_header(&r, name);
}

static struct str mime_type(const struct http_header *headers, size_t n) {
    struct str value = header_of(headers, n, "Content-Type");
    return value.p ? value : STR("");
}

static void add_url(struct http_tracer *t, struct str url, const struct http_origin *origin) {
    json_key(&t->line, STR("url.original"));
    mask_url(&t->mask, begin_part(t), url);
    add_part(t);
    struct str rest = url;
    struct str head = str_split(&rest, '?');
    size_t host_at = str_find(head, STR("://")) + 3;
    struct str after = str_sub(head, host_at, head.n);
    size_t path_at = str_find_char(after, '/');
    AUTO_FINI(buf) struct buf port = buf_make(16);
    buf_add_i64(&port, origin->port);
    add_text(t, "url.scheme", str_from(origin->scheme));
    add_text(t, "url.domain", str_from(origin->host));
    add_text(t, "url.port", buf_str(&port));
    add_text(t, "url.path", str_sub(after, path_at, after.n));
    json_key(&t->line, STR("url.query"));
    mask_query(&t->mask, begin_part(t), rest);
    add_part(t);
}

// "Name: value" in its parts.
static struct http_header split_line(const char *line) {
    struct str value = str_from(line);
    struct str name = str_split(&value, ':');
    return (struct http_header){name, value.p ? str_trim(value) : STR("")};
}

static void write_request(struct http_tracer *t, const struct http_request *request,
                          const struct http_origin *origin, const char *user_agent,
                          const struct http_header *headers) {
    size_t n = request->header_count;
    struct str own_agent = header_of(headers, n, "User-Agent"); // goes instead of the client's
    learn_headers(t, headers, n);
    mask_learn_url(&t->mask, str_from(request->url));
    mask_learn_body(&t->mask, request->body);
    begin_line(t, "HTTP request", t->count);
    add_text(t, "http.request.method", str_from(request->method ? request->method : "GET"));
    add_url(t, str_from(request->url), origin);
    add_headers(t, "http.request.header", headers, n);
    add_text(t, "user_agent.original", own_agent.p ? own_agent : str_from(user_agent));
    add_body(t, "http.request", request->body);
    add_text(t, "http.request.mime_type", mime_type(headers, n));
    end_line(t);
}

uint64_t http_tracer_request(struct http_tracer *t, const struct http_request *request,
                             const struct http_origin *origin, const char *user_agent) {
    AUTO_MEM struct http_header *headers =
        mem_new_array(request->header_count + 1, sizeof *headers);
    t->count++;
    if (!headers) {
        fail(t, -ENOMEM);
        return t->count;
    }
    for (size_t i = 0; i < request->header_count; i++) headers[i] = split_line(request->headers[i]);
    write_request(t, request, origin, user_agent, headers);
    return t->count;
}

void http_tracer_response(struct http_tracer *t, uint64_t id, const struct http_response *r) {
    bool good = r->result == HTTP_OK;
    learn_headers(t, r->headers, r->header_count);
    mask_learn_body(&t->mask, r->body);
    begin_line(t, good ? "HTTP response" : "HTTP response error", id);
    if (!good) add_text(t, "error.message", str_from(r->fault.text));
    if (!good) add_text(t, "error.code", str_from(http_result_name(r->result)));
    add_number(t, "event.duration", r->elapsed_ms * 1000000);
    if (r->status != 0) {
        add_number(t, "http.response.status_code", r->status);
        add_headers(t, "http.response.header", r->headers, r->header_count);
        add_body(t, "http.response", r->body);
        add_text(t, "http.response.mime_type", mime_type(r->headers, r->header_count));
    }
    end_line(t);
}

void http_tracer_cancelled(struct http_tracer *t, uint64_t id) {
    begin_line(t, "HTTP response error", id);
    add_text(t, "error.message", STR("given up before there was an answer"));
    end_line(t);
}
