// SPDX-License-Identifier: Apache-2.0
// What handlers say, put together: a reply is a few buffers of JSON, and the envelope is made of
// them when the handler is done.
#include "api/call.h"

#include <stdarg.h>

#include "api/call-internal.h"
#include "api/fields.h"
#include "base/time.h"

enum { DATA_MAX = 256 << 20 };

void call_init(struct call *c, const struct request *request) {
    *c = (struct call){
        .request = request,
        .op = request->op,
        .now_ms = request->now_ms,
        .prepared = buf_make(DATA_MAX),
        .values = buf_make(DATA_MAX),
        .ignored = buf_make(DATA_MAX),
        .replaced = buf_make(DATA_MAX),
        .reply = {.data = buf_make(DATA_MAX),
                  .auth = buf_make(DATA_MAX),
                  .warnings = buf_make(DATA_MAX),
                  .errors = buf_make(DATA_MAX),
                  .wrap_info = buf_make(DATA_MAX)},
    };
}

static void reply_fini(struct reply *r) {
    buf_wipe(&r->data);
    buf_wipe(&r->auth);
    buf_fini(&r->warnings);
    buf_fini(&r->errors);
    buf_wipe(&r->wrap_info);
}

void call_fini(struct call *c) {
    fields_free(c);
    token_caller_fini(&c->caller);
    acl_verdict_fini(&c->verdict);
    buf_wipe(&c->prepared);
    buf_wipe(&c->values);
    buf_fini(&c->ignored);
    buf_fini(&c->replaced);
    c->reader = json_reader_free(c->reader);
    reply_fini(&c->reply);
}

static void PRINTF_LIKE(2, 0) add_text(struct buf *out, const char *format, va_list args) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    buf_addv(&text, format, args);
    json_add_text(out, buf_str(&text));
    if (text.error && !out->error) out->error = text.error;
}

// An error takes the place of what was said before.
static int fail(struct call *c, int status) {
    c->reply.status = status;
    c->reply.failed = true;
    buf_reset(&c->reply.data);
    buf_reset(&c->reply.auth);
    buf_reset(&c->reply.errors);
    return 0;
}

int call_error(struct call *c, int status, const char *format, ...) {
    fail(c, status);
    va_list args;
    va_start(args, format);
    add_text(&c->reply.errors, format, args);
    va_end(args);
    return 0;
}

int call_denied(struct call *c, const char *reason) {
    c->reply.reason = reason;
    return call_error(c, 403, "1 error occurred:\n\t* permission denied\n\n");
}

int call_denied_saying(struct call *c, const char *reason, struct str message) {
    c->reply.reason = reason;
    return call_error(c, 403, "1 error occurred:\n\t* %.*s\n\n", STR_ARG(message));
}

int call_not_found(struct call *c) {
    fail(c, 404);
    return 0;
}

int call_no_content(struct call *c) {
    c->reply.status = 0;
    return 0;
}

struct buf *call_data(struct call *c) {
    c->reply.has_data = true;
    if (c->reply.data.n == 0) json_open(&c->reply.data, '{');
    return &c->reply.data;
}

struct buf *call_auth(struct call *c) {
    if (c->reply.auth.n == 0) json_open(&c->reply.auth, '{');
    return &c->reply.auth;
}

void call_warn(struct call *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_text(&c->reply.warnings, format, args);
    va_end(args);
}

int call_keys(struct call *c, struct str keys, struct str key_info) {
    if (keys.n == 0) return call_not_found(c);
    struct buf *data = call_data(c);
    json_key(data, STR("keys"));
    json_open(data, '[');
    buf_add_str(data, keys);
    json_close(data, ']');
    if (key_info.n) {
        json_key(data, STR("key_info"));
        json_open(data, '{');
        buf_add_str(data, key_info);
        json_close(data, '}');
    }
    json_close(data, '}');
    return 0;
}

void call_time(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    if (ms == 0) {
        call_null(out, key);
        return;
    }
    time_format_rfc3339(ms, text);
    call_member(out, key, str_from(text));
}

void call_member(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    json_add_text(out, value);
}

void call_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

void call_flag(struct buf *out, const char *key, bool value) {
    json_key(out, str_from(key));
    json_add_bool(out, value);
}

void call_null(struct buf *out, const char *key) {
    json_key(out, str_from(key));
    json_add_null(out);
}

void call_texts(struct buf *out, const char *key, struct list l) {
    json_key(out, str_from(key));
    list_write(out, l);
}

void call_pairs(struct buf *out, const char *key, struct list l) {
    json_key(out, str_from(key));
    if (l.packed.p) list_write_pairs(out, l);
    else json_add_null(out);
}

// Seconds until a token ends, as `lease_duration` says it.
static int64_t seconds_left(const struct call *c, const struct token *t) {
    return t->expires_ms ? (t->expires_ms - c->now_ms) / 1000 : 0;
}

void call_auth_token(struct call *c, struct str token, const struct token *t,
                     struct list identity_policies) {
    struct buf *auth = call_auth(c);
    AUTO_FINI(buf) struct buf all = buf_make(DATA_MAX);
    int r = list_union(&all, t->policies, identity_policies);
    if (r && !auth->error) auth->error = r;
    call_member(auth, "client_token", token);
    call_member(auth, "accessor", t->kind == TOKEN_BATCH ? STR("") : t->accessor);
    call_texts(auth, "policies", list_of(&all));
    if (!list_is_empty(t->policies)) call_texts(auth, "token_policies", t->policies);
    if (!list_is_empty(identity_policies)) call_texts(auth, "identity_policies", identity_policies);
    call_pairs(auth, "metadata", t->meta);
    call_number(auth, "lease_duration", seconds_left(c, t));
    call_flag(auth, "renewable", t->renewable);
    call_member(auth, "entity_id", t->entity_id);
    call_member(auth, "token_type", t->kind == TOKEN_BATCH ? STR("batch") : STR("service"));
    call_flag(auth, "orphan", t->parent.n == 0);
    call_null(auth, "mfa_requirement");
    call_number(auth, "num_uses", t->num_uses);
    json_close(auth, '}');
}
