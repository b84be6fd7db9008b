// SPDX-License-Identifier: Apache-2.0
// A request is kept as the JSON that will be shown: writing it once is cheaper than keeping its
// parts apart.
#include "sim/record.h"

#include <errno.h>

#include "base/time.h"
#include "json/write.h"

enum { LINE_MAX_BYTES = 1 << 20 };

int record_init(struct record *r) {
    *r = (struct record){.lines = mem_new_array(RECORD_RING, sizeof *r->lines)};
    return r->lines ? 0 : -ENOMEM;
}

void record_clear(struct record *r) {
    char **lines = r->lines;
    for (size_t i = 0; lines && i < RECORD_RING; i++) {
        free(lines[i]);
        lines[i] = NULL;
    }
    *r = (struct record){.lines = lines};
}

void record_fini(struct record *r) {
    if (r->lines) record_clear(r);
    free(r->lines);
    r->lines = NULL;
}

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    if (value.p) json_add_text(out, value);
    else json_add_null(out);
}

static void add_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

static const char *const endpoint_names[RECORD_ENDPOINTS] = {"logs",   "token", "users",  "factors",
                                                             "verify", "poll",  "cancel", "other"};
static const char *const scheme_names[RECORD_SCHEMES] = {"none", "SSWS",  "Bearer",
                                                         "DPoP", "Basic", "other"};

const char *record_endpoint_name(enum record_endpoint endpoint) { return endpoint_names[endpoint]; }
const char *record_scheme_name(enum record_scheme scheme) { return scheme_names[scheme]; }

static enum record_scheme find_scheme(const struct request *request) {
    struct str token, value = request_header(request, "authorization");
    if (!value.p) return RECORD_NO_SCHEME;
    if (request_is_ssws(request, &token)) return RECORD_SSWS;
    struct str scheme = str_split(&value, ' ');
    for (size_t i = RECORD_SSWS; i < RECORD_OTHER_SCHEME; i++)
        if (str_eq_nocase(scheme, str_from(scheme_names[i]))) return (enum record_scheme)i;
    return RECORD_OTHER_SCHEME;
}

// What is no scheme that we know might be a secret.
static void add_authorization(struct buf *out, const struct request *request,
                              const struct record_note *note) {
    enum record_scheme scheme = find_scheme(request);
    json_key(out, STR("authorization"));
    if (scheme == RECORD_NO_SCHEME && !note->client[0]) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    add_text(out, "scheme", str_from(scheme_names[scheme]));
    json_key(out, STR("match"));
    json_add_bool(out, note->token_known);
    if (note->client[0]) add_text(out, "client", str_from(note->client));
    json_close(out, '}');
}

static bool is_secret(struct str name) {
    static const char *const names[] = {"authorization", "dpop", "cookie", "proxy-authorization"};
    for (size_t i = 0; i < LEN(names); i++)
        if (str_eq_nocase(name, str_from(names[i]))) return true;
    return false;
}

static void add_headers(struct buf *out, const struct request *request) {
    json_key(out, STR("headers"));
    json_open(out, '{');
    for (size_t i = 0; i < request->n_headers; i++) {
        struct str name = request->headers[i].name;
        if (is_secret(name)) continue;
        size_t from = out->n;
        json_comma(out);
        size_t key_at = out->n;
        json_add_text(out, name);
        for (size_t k = key_at; k < out->n; k++)
            if (out->p[k] >= 'A' && out->p[k] <= 'Z') out->p[k] = (char)(out->p[k] + 32);
        buf_addc(out, ':');
        json_add_text(out, request->headers[i].value);
        if (out->error) buf_cut(out, from);
    }
    json_close(out, '}');
}

static void add_faults(struct buf *out, const struct record_note *note) {
    json_key(out, STR("faults"));
    json_open(out, '[');
    for (size_t i = 0; i < note->n_faults; i++)
        json_add_str(out, str_from(fault_kind_name(note->faults[i])));
    json_close(out, ']');
}

static void add_rate(struct buf *out, const struct record_note *note) {
    json_key(out, STR("rate"));
    json_open(out, '{');
    add_number(out, "limit", (int64_t)note->view.limit);
    add_number(out, "remaining", (int64_t)note->view.remaining);
    add_number(out, "reset", note->view.reset_s);
    json_close(out, '}');
}

static void write_line(struct buf *out, const struct request *request,
                       const struct record_note *note, size_t n) {
    char time[TIME_RFC3339_MAX];
    time_format_rfc3339(note->time_ms, time);
    json_open(out, '{');
    add_number(out, "n", (int64_t)n);
    add_text(out, "time", str_from(time));
    add_text(out, "method", request->method);
    add_text(out, "path", request->path);
    // There may be an assertion in it.
    bool shown = note->counted_as != RECORD_TOKEN;
    add_text(out, "query", shown ? request->query : STR_NONE);
    add_authorization(out, request, note);
    json_key(out, STR("dpop"));
    json_add_bool(out, note->has_proof);
    add_headers(out, request);
    add_number(out, "status", note->status);
    add_number(out, "events", (int64_t)note->events);
    add_number(out, "bytes", (int64_t)note->bytes);
    add_rate(out, note);
    add_faults(out, note);
    json_close(out, '}');
}

int record_add(struct record *r, const struct request *request, const struct record_note *note) {
    AUTO_FINI(buf) struct buf line = buf_make(LINE_MAX_BYTES);
    write_line(&line, request, note, r->n + 1);
    char *text = buf_take(&line);
    if (!text) return -ENOMEM;
    char **slot = &r->lines[r->n++ % RECORD_RING];
    free(*slot);
    *slot = text;
    r->by_scheme[find_scheme(request)]++;
    if (note->has_proof) r->proofs++;
    if (note->status < 0 || note->status >= RECORD_STATUS_MAX) return 0;
    r->by_status[note->status]++;
    r->by_endpoint[note->counted_as][note->status]++;
    return 0;
}

void record_write(struct buf *out, const struct record *r) {
    size_t kept = r->n < RECORD_RING ? r->n : RECORD_RING;
    buf_addc(out, '[');
    for (size_t i = 0; i < kept; i++) {
        if (i) buf_addc(out, ',');
        buf_addz(out, r->lines[(r->n - kept + i) % RECORD_RING]);
    }
    buf_addc(out, ']');
}
