// SPDX-License-Identifier: Apache-2.0
// auth/token/: the routes, and what looks at tokens or takes them out. Making them is in
// token-create.c, renewing them in token-renew.c.
#include <errno.h>

#include "api/backends.h"
#include "api/token-handlers.h"
#include "base/time.h"

enum { KEYS_MAX_BYTES = 256 << 20 };

// ---- looking

static const char *type_name(const struct token *t) {
    return t->kind == TOKEN_BATCH ? "batch" : "service";
}

static int64_t seconds_left(const struct call *c, const struct token *t) {
    return t->expires_ms > c->now_ms ? (t->expires_ms - c->now_ms) / TIME_SECOND_MS : 0;
}

static void write_times(const struct call *c, const struct token *t, struct buf *out) {
    call_number(out, "creation_time", t->created_ms / TIME_SECOND_MS);
    call_number(out, "creation_ttl", t->ttl_s);
    call_time(out, "expire_time", t->expires_ms);
    call_number(out, "explicit_max_ttl", t->explicit_max_ttl_s);
    call_time(out, "issue_time", t->created_ms);
    call_number(out, "ttl", seconds_left(c, t));
    if (t->period_s) call_number(out, "period", t->period_s);
    if (t->renewed_ms == 0) return;
    call_time(out, "last_renewal", t->renewed_ms);
    call_number(out, "last_renewal_time", t->renewed_ms / TIME_SECOND_MS);
}

static int answer_lookup(struct call *c, struct str id, const struct token_caller *found) {
    const struct token *t = found->token;
    struct buf *out = call_data(c);
    call_member(out, "accessor", t->accessor);
    if (!list_is_empty(t->bound_cidrs)) call_texts(out, "bound_cidrs", t->bound_cidrs);
    call_member(out, "display_name", t->display_name);
    call_member(out, "entity_id", t->entity_id);
    call_member(out, "id", id);
    call_pairs(out, "meta", t->meta);
    call_number(out, "num_uses", t->num_uses);
    call_flag(out, "orphan", t->parent.n == 0);
    call_member(out, "path", t->path);
    call_texts(out, "policies", t->policies);
    call_flag(out, "renewable", t->renewable);
    call_member(out, "type", str_from(type_name(t)));
    write_times(c, t, out);
    if (!list_is_empty(found->identity_policies)) {
        call_texts(out, "identity_policies", found->identity_policies);
        call_pairs(out, "external_namespace_policies", (struct list){STR("")});
    }
    json_close(out, '}');
    return 0;
}

// The caller's own token as it stands now: its use has been counted since it was checked.
static struct token_caller own(const struct call *c) {
    struct token_caller found = c->caller;
    const struct token *now = NULL;
    if (!found.made) now = token_by_hash(c->state, found.token->hash);
    if (now) found.token = now;
    return found;
}

static int lookup_self(struct call *c) {
    struct token_caller found = own(c);
    return answer_lookup(c, c->request->token, &found);
}

static int lookup(struct call *c) {
    struct str token = call_str(c, "token");
    if (token.n == 0) return lookup_self(c);
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = token_find(c->state, token, c->now_ms, &found);
    if (r < 0) return r;
    if (r == TOKEN_E_BAD) return call_error(c, 403, "bad token");
    return answer_lookup(c, token, &found);
}

int token_by_accessor_field(struct call *c, const struct token **ret) {
    *ret = NULL;
    struct str accessor = call_str(c, "accessor");
    if (accessor.n == 0) return call_error(c, 400, "1 error occurred:\n\t* missing accessor\n\n");
    const struct token *t = token_by_accessor(c->state, accessor);
    if (t && token_is_alive(c->state, t, c->now_ms)) *ret = t;
    return 0;
}

int token_bad_accessor(struct call *c) {
    return call_error(c, 400, "1 error occurred:\n\t* invalid accessor\n\n");
}

static int lookup_accessor(struct call *c) {
    const struct token *t;
    int r = token_by_accessor_field(c, &t);
    if (r || c->reply.failed) return r;
    if (!t) return token_bad_accessor(c);
    const struct entity *e = t->entity_id.n ? entity_in_force(c->state, t->entity_id) : NULL;
    struct token_caller found = {.token = t};
    if (e) found.identity_policies = e->policies;
    return answer_lookup(c, STR(""), &found);
}

static int list_accessors(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(KEYS_MAX_BYTES);
    struct tree_walk walk = state_from(c->state, RECORD_TOKEN, 1, (struct tree_key){0});
    const struct token *t;
    while ((t = tree_next(&walk)))
        if (token_is_alive(c->state, t, c->now_ms)) json_add_str(&keys, t->accessor);
    return keys.error ? keys.error : call_keys(c, buf_str(&keys), STR_NONE);
}

// ---- taking out

static int is_batch(struct call *c) { return call_error(c, 400, "batch tokens cannot be revoked"); }

static int revoke(struct call *c) {
    struct str token = call_str(c, "token");
    if (token.n == 0) return call_error(c, 400, "missing token ID");
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = token_find(c->state, token, c->now_ms, &found);
    if (r < 0) return r;
    if (r == TOKEN_E_BAD) return call_no_content(c);
    if (found.made) return is_batch(c);
    r = token_revoke(c->draft, found.token);
    return r < 0 ? r : call_no_content(c);
}

static int revoke_self(struct call *c) {
    if (c->caller.made) return is_batch(c);
    const struct token *t = own(c).token;
    int r = token_revoke(c->draft, t);
    return r < 0 ? r : call_no_content(c);
}

static int revoke_accessor(struct call *c) {
    const struct token *t;
    int r = token_by_accessor_field(c, &t);
    if (r || c->reply.failed) return r;
    if (!t) {
        call_warn(c, "No token found with this accessor");
        return call_no_content(c);
    }
    r = token_revoke(c->draft, t);
    return r < 0 ? r : call_no_content(c);
}

static int revoke_orphan(struct call *c) {
    struct str token = call_str(c, "token");
    if (token.n == 0) return call_error(c, 400, "missing token ID");
    AUTO_FINI(token_caller) struct token_caller found = {0};
    int r = token_find(c->state, token, c->now_ms, &found);
    if (r < 0) return r;
    if (r == TOKEN_E_BAD) return call_error(c, 400, "token to revoke not found");
    if (found.made) return is_batch(c);
    r = token_revoke_orphan(c->draft, found.token);
    return r < 0 ? r : call_no_content(c);
}

// ---- the rest

// Nothing is left lying about: what is taken out takes all that belongs to it along.
static int tidy(struct call *c) {
    call_warn(c, "Tidy operation successfully started. Any information from the operation will be "
                 "printed to OpenBao's server logs.");
    c->reply.status = 202;
    return 0;
}

// There are no roles.
static int no_roles(struct call *c) { return call_not_found(c); }
static int create_with_role(struct call *c) {
    return call_error(c, 400, "unknown role %.*s", STR_ARG(call_str(c, "role_name")));
}

#define TOKEN_FIELD                                                                                \
    {                                                                                              \
        .name = "token", .type = FIELD_STRING, .flags = FIELD_SECRET | FIELD_QUERY,                \
        .help = "The token in question."                                                           \
    }
#define ACCESSOR_FIELD                                                                             \
    { .name = "accessor", .type = FIELD_STRING, .help = "Accessor of the token in question." }
#define INCREMENT_FIELD                                                                            \
    {                                                                                              \
        .name = "increment", .type = FIELD_DURATION, .otherwise = "0",                             \
        .help = "How long the token is to live from now on; 0: as long as the last time."          \
    }

static const struct field lookup_fields[] = {TOKEN_FIELD, {0}};
static const struct field accessor_fields[] = {ACCESSOR_FIELD, {0}};
static const struct field renew_fields[] = {TOKEN_FIELD, INCREMENT_FIELD, {0}};
static const struct field renew_self_fields[] = {TOKEN_FIELD, INCREMENT_FIELD, {0}};
static const struct field renew_accessor_fields[] = {ACCESSOR_FIELD, INCREMENT_FIELD, {0}};
static const struct field role_fields[] = {
    {.name = "role_name", .type = FIELD_STRING, .help = "Name of the role."}, {0}};

static const struct route routes[] = {
    {.pattern = "accessors/?",
     .flags = ROUTE_SUDO,
     .list = list_accessors,
     .summary = "Lists the accessors of all tokens."},
    {.pattern = "create",
     .fields = token_create_fields,
     .update = token_handle_create,
     .summary = "Makes a token, a child of the caller's."},
    {.pattern = "create-orphan",
     .fields = token_create_fields,
     .flags = ROUTE_SUDO,
     .update = token_handle_create_orphan,
     .summary = "Makes a token that has no parent."},
    {.pattern = "create/{role_name}",
     .fields = role_fields,
     .update = create_with_role,
     .summary = "Makes a token by a role. There are no roles here."},
    {.pattern = "lookup",
     .fields = lookup_fields,
     .read = lookup,
     .update = lookup,
     .summary = "What is known of a token."},
    {.pattern = "lookup-accessor",
     .fields = accessor_fields,
     .update = lookup_accessor,
     .summary = "What is known of the token with that accessor."},
    {.pattern = "lookup-self",
     .fields = lookup_fields,
     .read = lookup_self,
     .update = lookup_self,
     .summary = "What is known of the caller's token."},
    {.pattern = "renew",
     .fields = renew_fields,
     .update = token_handle_renew,
     .summary = "Lets a token live longer."},
    {.pattern = "renew-accessor",
     .fields = renew_accessor_fields,
     .update = token_handle_renew_accessor,
     .summary = "Lets the token with that accessor live longer."},
    {.pattern = "renew-self",
     .fields = renew_self_fields,
     .update = token_handle_renew_self,
     .summary = "Lets the caller's token live longer."},
    {.pattern = "revoke",
     .fields = lookup_fields,
     .update = revoke,
     .summary = "Ends a token and its children."},
    {.pattern = "revoke-accessor",
     .fields = accessor_fields,
     .update = revoke_accessor,
     .summary = "Ends the token with that accessor, and its children."},
    {.pattern = "revoke-orphan",
     .fields = lookup_fields,
     .flags = ROUTE_SUDO,
     .update = revoke_orphan,
     .summary = "Ends a token and leaves its children as orphans."},
    {.pattern = "revoke-self",
     .update = revoke_self,
     .summary = "Ends the caller's token and its children."},
    {.pattern = "roles/?", .list = no_roles, .summary = "Lists the roles. There are none here."},
    {.pattern = "roles/{role_name}",
     .fields = role_fields,
     .read = no_roles,
     .summary = "A role. There are none here."},
    {.pattern = "tidy", .update = tidy, .summary = "Looks for what was left behind."},
    {0},
};

const struct backend backend_token = {
    .type = "token",
    .routes = routes,
    .help = "Tokens: made, looked at, renewed and revoked.",
};
