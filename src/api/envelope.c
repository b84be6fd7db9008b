// SPDX-License-Identifier: Apache-2.0
// The answer's body: Vault's envelope around data or auth, or {"errors":[...]}.
//
// Go's encoder writes <, >, & and two line separators as escapes, and clients have been seen to
// depend on the exact text, so what handlers wrote is passed through the same rule.
#include "api/call-internal.h"
#include "api/fields.h"
#include "base/word.h"

static bool is_separator(struct str s, size_t i) {
    return i + 2 < s.n && (unsigned char)s.p[i] == 0xe2 && (unsigned char)s.p[i + 1] == 0x80 &&
           ((unsigned char)s.p[i + 2] == 0xa8 || (unsigned char)s.p[i + 2] == 0xa9);
}

static bool needs_escape(struct str s, size_t i) {
    char c = s.p[i];
    return c == '<' || c == '>' || c == '&' || is_separator(s, i);
}

// How much from `i` on certainly needs none: eight bytes at once, where there are as many.
static size_t plain(struct str s, size_t i) {
    size_t from = i;
    for (; i + WORD_BYTES <= s.n; i += WORD_BYTES) {
        uint64_t word = word_load(s.p + i);
        if (word_find(word, '<') | word_find(word, '>') | word_find(word, '&') |
            word_find(word, 0xe2))
            break;
    }
    return i - from;
}

// Text that is JSON already, with those characters (which stand inside strings only) as escapes.
static void add_json(struct buf *out, struct str json) {
    size_t done = 0;
    for (size_t i = plain(json, 0); i < json.n; i++) {
        if (!needs_escape(json, i)) continue;
        buf_add_str(out, str_sub(json, done, i));
        if (is_separator(json, i)) {
            buf_addz(out, (unsigned char)json.p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            buf_addf(out, "\\u%04x", (unsigned)json.p[i]);
        }
        done = i + 1;
        i += plain(json, done);
    }
    buf_add_str(out, str_sub(json, done, json.n));
}

int envelope_status(const struct call *c) {
    const struct reply *r = &c->reply;
    if (r->status) return r->status;
    if (r->failed) return 500;
    if (r->has_data || r->auth.n || r->warnings.n) return 200;
    bool reads = c->op == OP_READ || c->op == OP_LIST || c->op == OP_HEADER;
    return reads ? 404 : 204;
}

static void add_value(struct buf *out, const char *key, struct str json) {
    json_key(out, str_from(key));
    if (json.n) add_json(out, json);
    else json_add_null(out);
}

static void add_warnings(struct buf *out, const struct call *c) {
    AUTO_FINI(buf) struct buf all = buf_make(1 << 24);
    json_open(&all, '[');
    buf_add_str(&all, buf_str(&c->reply.warnings));
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    bool answers = c->reply.has_data || c->reply.auth.n;
    if (answers && c->ignored.n) {
        buf_addz(&text, "Endpoint ignored these unrecognized parameters: ");
        fields_name(&text, list_of(&c->ignored));
        json_add_text(&all, buf_str(&text));
    }
    if (answers && c->replaced.n) {
        buf_reset(&text);
        buf_addz(&text, "Endpoint replaced the value of these parameters with the values captured "
                        "from the endpoint's path: ");
        fields_name(&text, list_of(&c->replaced));
        json_add_text(&all, buf_str(&text));
    }
    json_close(&all, ']');
    add_value(out, "warnings", all.n > 2 ? buf_str(&all) : STR_NONE);
}

// `data`'s members once more at the top level, for clients that look there.
static void add_top(struct buf *out, struct str data) {
    if (data.n <= 2) return;
    json_comma(out);
    add_json(out, str_sub(data, 1, data.n - 1));
}

int envelope_write_with(const struct call *c, struct str request_id, struct str wrap_info,
                        struct buf *out) {
    const struct reply *r = &c->reply;
    bool wrapped = wrap_info.n > 0;
    struct str data = wrapped ? STR_NONE : buf_str(&r->data);
    json_open(out, '{');
    json_key(out, STR("request_id"));
    json_add_text(out, request_id);
    json_key(out, STR("lease_id"));
    json_add_text(out, r->lease_id.p && !wrapped ? r->lease_id : STR(""));
    json_key(out, STR("renewable"));
    json_add_bool(out, r->renewable && !wrapped);
    json_key(out, STR("lease_duration"));
    json_add_i64(out, wrapped ? 0 : r->lease_duration_s);
    add_value(out, "data", data);
    add_value(out, "wrap_info", wrap_info);
    if (wrapped) add_value(out, "warnings", STR_NONE);
    else add_warnings(out, c);
    add_value(out, "auth", wrapped ? STR_NONE : buf_str(&r->auth));
    if (c->route && c->route->flags & ROUTE_TOP && !wrapped) add_top(out, data);
    json_close(out, '}');
    return out->error;
}

int envelope_write(const struct call *c, struct buf *out) {
    const struct reply *r = &c->reply;
    if (r->failed) {
        json_open(out, '{');
        json_key(out, STR("errors"));
        json_open(out, '[');
        add_json(out, buf_str(&r->errors));
        json_close(out, ']');
        json_close(out, '}');
    } else if (r->raw) {
        add_json(out, buf_str(&r->data));
    } else {
        int status = envelope_status(c);
        if (status == 204) return 0;
        if (status == 404 && !r->has_data) {
            buf_addz(out, "{\"errors\":[]}");
        } else {
            bool wrapped = r->wrap_info.n > 0;
            int error = envelope_write_with(c, wrapped ? STR("") : c->request->id,
                                            buf_str(&r->wrap_info), out);
            if (error) return error;
        }
    }
    buf_addc(out, '\n');
    return out->error;
}
