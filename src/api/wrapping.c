// SPDX-License-Identifier: Apache-2.0
// A wrapped answer lies as it would have been sent in the cubbyhole of a token that can be used
// once, under the name `response`. The token's own record says when and for what it was made.
//
// The wrapping token is looked at before anything else, also before who asks: that is what tells a
// receiver that somebody else was there first.
#include "api/wrapping.h"

#include <errno.h>

#include "api/call-internal.h"
#include "api/sys.h"
#include "api/wrapping-internal.h"
#include "base/time.h"
#include "identity/secret.h"

enum { TEXT_MAX_BYTES = 64 << 10, ENVELOPE_MAX_BYTES = 512 << 20 };

static const struct str response_path = STR("response");

// ---- wrapping

struct wrapped {
    struct str envelope;
    struct str creation_path, accessor; // accessor: of the token inside; absent: none
    int64_t ttl_s;
    bool jwt;
};

static int keep(struct call *c, const struct token *t, struct str envelope) {
    AUTO_FINI(buf) struct buf space = buf_make(TEXT_MAX_BYTES);
    AUTO_WIPED struct buf json = buf_make(ENVELOPE_MAX_BYTES);
    secret_cubbyhole(&space, t->hash);
    json_open(&json, '{');
    call_member(&json, "response", envelope);
    json_close(&json, '}');
    if (space.error || json.error) return space.error ? space.error : json.error;
    return secret_put(c->draft, buf_str(&space), response_path, buf_str(&json));
}

static int write_info(struct call *c, const struct wrapped *w, struct str id, const struct token *t,
                      struct buf *out) {
    AUTO_WIPED struct buf jwt = buf_make(TEXT_MAX_BYTES);
    int r = w->jwt ? wrapping_jwt_make(c->state, id, t, w->accessor, &jwt) : 0;
    if (r < 0) return r;
    json_open(out, '{');
    call_member(out, "token", w->jwt ? buf_str(&jwt) : id);
    call_member(out, "accessor", t->accessor);
    call_number(out, "ttl", t->ttl_s);
    call_time(out, "creation_time", t->created_ms);
    call_member(out, "creation_path", t->path);
    if (w->accessor.n) call_member(out, "wrapped_accessor", w->accessor);
    json_close(out, '}');
    return out->error;
}

static int wrap(struct call *c, const struct wrapped *w, struct buf *ret_info) {
    AUTO_FINI(buf) struct buf policies = buf_make(64);
    AUTO_WIPED struct buf id = buf_make(TEXT_MAX_BYTES);
    list_add(&policies, STR("response-wrapping"));
    struct token want = {.policies = list_of(&policies),
                         .path = w->creation_path,
                         .display_name = STR("token"),
                         .created_ms = c->now_ms,
                         .expires_ms = c->now_ms + w->ttl_s * TIME_SECOND_MS,
                         .ttl_s = w->ttl_s,
                         .explicit_max_ttl_s = w->ttl_s,
                         .num_uses = 1,
                         .wrapping = true};
    const struct token *t = NULL;
    int r = policies.error;
    if (r == 0) r = token_create(c->draft, &want, STR_NONE, &id, &t);
    if (r == 0) r = keep(c, t, w->envelope);
    if (r) return r < 0 ? r : -EEXIST;
    return write_info(c, w, buf_str(&id), t, ret_info);
}

// The accessor of the token that an answer hands out.
static int accessor_inside(struct str auth, struct buf *ret) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    if (auth.n == 0) return 0;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, auth, &v, NULL);
    if (r) return r < 0 ? r : -EINVAL;
    buf_add_str(ret, json_str(json_get(v, "accessor")));
    json_reader_wipe(reader);
    return ret->error;
}

int wrapping_wrap(struct call *c, struct str envelope, struct buf *ret_wrap_info) {
    AUTO_FINI(buf) struct buf accessor = buf_make(TEXT_MAX_BYTES);
    int r = accessor_inside(buf_str(&c->reply.auth), &accessor);
    if (r < 0) return r;
    struct wrapped w = {.envelope = envelope,
                        .creation_path = c->request->path,
                        .accessor = buf_str(&accessor),
                        .ttl_s = c->request->wrap_ttl_s,
                        .jwt = c->request->wrap_jwt};
    return wrap(c, &w, ret_wrap_info);
}

// ---- the wrapping token of a request

struct wrapping_token {
    const struct token *token; // NULL: answered, with an error
    bool own;                  // the caller's own token
    struct buf text;           // out of a JWT; wiped
};
static void wrapping_token_fini(struct wrapping_token *w) { buf_wipe(&w->text); }
DEFINE_AUTO_FINI(wrapping_token)

static int invalid(struct call *c, const char *why) {
    c->reply.reason = "bad wrapping token";
    return call_error(c, 403, "error validating wrapping token: %s", why);
}

static int not_there(struct call *c) {
    c->reply.reason = "bad wrapping token";
    return call_error(c, 400, "wrapping token is not valid or does not exist");
}

// The caller's token was found before its use was counted: it would not be found alive any more.
static int look_up(struct call *c, struct str text, struct wrapping_token *w) {
    AUTO_FINI(token_caller) struct token_caller found = {0};
    const struct token *t = NULL;
    if (c->caller.token && str_eq(text, c->request->token)) {
        t = c->caller.token;
    } else {
        int r = token_find(c->state, text, c->now_ms, &found);
        if (r < 0) return r;
        t = r == 0 && !found.made ? found.token : NULL;
    }
    if (!t || !t->wrapping) return not_there(c);
    w->token = t;
    return 0;
}

static int find(struct call *c, struct wrapping_token *w) {
    enum json_type type = json_type(json_get(c->request->data, "token"));
    if (type != JSON_NULL && type != JSON_STRING)
        return invalid(c, "could not decode token in request body");
    struct str text = call_str(c, "token");
    w->own = text.n == 0 || str_eq(text, c->request->token);
    if (text.n == 0) text = c->request->token;
    if (text.n == 0) return invalid(c, "token is empty");
    if (wrapping_is_jwt(text)) {
        struct fault why = {{0}};
        int r = wrapping_jwt_open(c->state, text, &w->text, &why);
        if (r == WRAPPING_E_JWT) return invalid(c, why.text);
        if (r < 0) return r;
        text = buf_str(&w->text);
    }
    return look_up(c, text, w);
}

// Whoever has the token itself may unwrap it, also as a JWT, which is nobody's token but carries
// one; anybody else needs a token of his own and a policy.
static int check_caller(struct call *c, const struct wrapping_token *w, bool itself_may) {
    bool carried = w->own && wrapping_is_jwt(c->request->token);
    if (carried && itself_may) return 0;
    if (!c->caller.token) {
        c->reply.reason = c->request->token.n ? "bad token" : "no token";
        return call_error(c, 403, "permission denied");
    }
    return decide_permitted(c);
}

static int check(struct call *c, struct wrapping_token *w, bool itself_may) {
    int r = find(c, w);
    if (r || c->reply.failed) return r;
    r = check_caller(c, w, itself_may);
    if (r || c->reply.failed) return r;
    if (c->op == OP_CREATE || c->op == OP_UPDATE) return 0;
    return call_error(c, 405, "1 error occurred:\n\t* unsupported operation\n\n");
}

// ---- the paths

static int wrap_data(struct call *c) {
    if (c->request->wrap_ttl_s <= 0)
        return call_error(c, 400, "endpoint requires response wrapping to be used");
    const struct json *body = call_body(c);
    buf_reset(&c->ignored); // every member of the body is what is to be wrapped
    c->reply.has_data = true;
    if (!body) {
        buf_addz(&c->reply.data, "{}");
        return c->reply.data.error;
    }
    int r = json_add_value(&c->reply.data, body);
    if (r == -ELOOP)
        return call_error(c, 400, "the data is nested deeper than %d levels", JSON_WRITE_DEPTH_MAX);
    return r < 0 ? r : c->reply.data.error;
}

static int lookup(struct call *c) {
    AUTO_FINI(wrapping_token) struct wrapping_token w = {.text = buf_make(TEXT_MAX_BYTES)};
    int r = find(c, &w);
    if (r || c->reply.failed) return r;
    struct buf *out = call_data(c);
    call_member(out, "creation_path", w.token->path);
    call_time(out, "creation_time", w.token->created_ms);
    call_number(out, "creation_ttl", w.token->ttl_s);
    json_close(out, '}');
    return 0;
}

// What the token wraps, appended, and the token ended. Outcomes: 0 (also when it was answered with
// an error); -errno.
static int take_response(struct call *c, const struct token *t, struct buf *ret) {
    AUTO_FINI(buf) struct buf space = buf_make(TEXT_MAX_BYTES);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    secret_cubbyhole(&space, t->hash);
    const struct secret *s =
        space.error ? NULL : secret_get(c->state, buf_str(&space), response_path);
    if (!s) return space.error ? space.error : not_there(c);
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, s->json, &v, NULL);
    if (r) return r < 0 ? r : -EINVAL;
    buf_add_str(ret, json_str(json_get(v, "response")));
    json_reader_wipe(reader);
    const struct token *now = token_by_hash(c->state, t->hash);
    r = now ? token_revoke(c->draft, now) : 0;
    return r < 0 ? r : ret->error;
}

// The same answer in another token.
static int wrap_again(struct call *c, const struct token *t, struct str path, int64_t ttl_s) {
    AUTO_WIPED struct buf envelope = buf_make(ENVELOPE_MAX_BYTES);
    int r = take_response(c, t, &envelope);
    if (r || c->reply.failed) return r;
    struct wrapped again = {.envelope = buf_str(&envelope), .creation_path = path, .ttl_s = ttl_s};
    return wrap(c, &again, &c->reply.wrap_info);
}

static int unwrap(struct call *c) {
    AUTO_FINI(wrapping_token) struct wrapping_token w = {.text = buf_make(TEXT_MAX_BYTES)};
    int r = check(c, &w, true);
    if (r || c->reply.failed) return r;
    c->reply.status = 200;
    if (c->request->wrap_ttl_s > 0)
        return wrap_again(c, w.token, c->request->path, c->request->wrap_ttl_s);
    c->reply.raw = true;
    return take_response(c, w.token, &c->reply.data);
}

// For as long as the first one was given.
static int rewrap(struct call *c) {
    AUTO_FINI(wrapping_token) struct wrapping_token w = {.text = buf_make(TEXT_MAX_BYTES)};
    AUTO_FINI(buf) struct buf path = buf_make(TEXT_MAX_BYTES);
    int r = check(c, &w, false);
    if (r || c->reply.failed) return r;
    buf_add_str(&path, w.token->path);
    if (path.error) return path.error;
    c->reply.status = 200;
    return wrap_again(c, w.token, buf_str(&path), w.token->ttl_s);
}

static const struct field token_fields[] = {
    {.name = "token",
     .type = FIELD_STRING,
     .flags = FIELD_SECRET,
     .help = "The wrapping token; absent: the caller's."},
    {0},
};

const struct route sys_wrapping_routes[] = {
    {.pattern = "wrapping/wrap", .update = wrap_data, .summary = "Wraps what is sent."},
    {.pattern = "wrapping/lookup",
     .fields = token_fields,
     .flags = ROUTE_OPEN,
     .read = lookup,
     .update = lookup,
     .summary = "When, for how long and for which path a wrapping token was made."},
    {.pattern = "wrapping/unwrap",
     .fields = token_fields,
     .flags = ROUTE_OPTIONAL,
     .read = unwrap,
     .update = unwrap,
     .summary = "Gives what a wrapping token wraps, once."},
    {.pattern = "wrapping/rewrap",
     .fields = token_fields,
     .flags = ROUTE_OPTIONAL,
     .read = rewrap,
     .update = rewrap,
     .summary = "Wraps what a wrapping token wraps in another one."},
    {0},
};
