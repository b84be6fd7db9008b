// SPDX-License-Identifier: Apache-2.0
// auth/.../ of type userpass: the routes, and users as operators see them. Logging in is in
// userpass-login.c.
#include <errno.h>

#include "api/backends.h"
#include "api/userpass-handlers.h"
#include "identity/cidr.h"
#include "identity/fold.h"
#include "identity/names.h"
#include "identity/user.h"

enum { NAME_MAX_BYTES = 1 << 20, LIST_MAX_BYTES = 16 << 20, KEYS_MAX_BYTES = 256 << 20 };

const struct user *userpass_user(const struct call *c) {
    return user_get(c->state, c->mount->uuid, call_str(c, "username"));
}

// Asked before the fields are read: the name is still as it was sent.
static bool exists(struct call *c) {
    AUTO_FINI(buf) struct buf lower = buf_make(NAME_MAX_BYTES);
    fold_text(&lower, c->capture[0].value);
    return !lower.error && user_get(c->state, c->mount->uuid, buf_str(&lower));
}

// ---- passwords

// On a hash thread: leaves the hash. Nothing when no password came.
static int prepare_password(struct call *c) {
    struct str password = call_str(c, "password"), ready = call_str(c, "password_hash");
    struct fault why = {{0}};
    if (password.n && ready.n)
        return call_error(c, 400, "only one of password or password_hash may be provided");
    int r = 0;
    if (password.n) r = user_hash(password, &c->prepared, &why);
    if (ready.n) r = user_check_bcrypt(ready, &why);
    if (r == -EINVAL && why.text[0]) return call_error(c, 400, "%s", why.text);
    if (ready.n) buf_add_str(&c->prepared, ready);
    return r ? r : c->prepared.error;
}

static int no_password(struct call *c) {
    return call_error(c, 400, "must provide either password or password_hash");
}

static int no_user(struct call *c) {
    return call_error(c, 400, "1 error occurred:\n\t* username does not exist\n\n");
}

// ---- writing

struct change {
    struct call *c;
    struct user user;
    struct buf policies, cidrs;
};
static void change_fini(struct change *k) {
    buf_fini(&k->policies);
    buf_fini(&k->cidrs);
}
DEFINE_AUTO_FINI(change)

static struct change begin(struct call *c, const struct user *old) {
    struct change k = {.c = c,
                       .policies = buf_make(LIST_MAX_BYTES),
                       .cidrs = buf_make(LIST_MAX_BYTES),
                       .user = {.mount_uuid = c->mount->uuid,
                                .name = call_str(c, "username"),
                                .token_type = STR("default")}};
    if (old) k.user = *old;
    return k;
}

// A value may be written under two names: the newer name counts, and what was given under the old
// one reads back under both.
static const char *given(struct change *k, const char *name, const char *old_name, int64_t bit) {
    bool old = old_name && call_has(k->c, old_name);
    if (!old && !call_has(k->c, name)) return NULL;
    k->user.legacy = (k->user.legacy & ~bit) | (old ? bit : 0);
    return call_has(k->c, name) ? name : old_name;
}

static void copy_trimmed(struct list from, struct buf *out) {
    struct str rest = from.packed, policy;
    while (list_next(&rest, &policy)) list_add(out, str_trim(policy));
}

// Under the newer name policies read back as they were written; they are folded at login.
static int set_policies(struct change *k) {
    const char *field = given(k, "token_policies", "policies", USER_LEGACY_POLICIES);
    if (!field) return 0;
    struct list policies = call_list(k->c, field);
    int r = 0;
    if (strcmp(field, "policies") == 0) r = names_fold(policies, &k->policies);
    else copy_trimmed(policies, &k->policies);
    k->user.token_policies = list_of(&k->policies);
    return r ? r : k->policies.error;
}

static int set_folded_policies(struct change *k) {
    const char *field = given(k, "token_policies", "policies", USER_LEGACY_POLICIES);
    if (!field) return 0;
    int r = names_fold(call_list(k->c, field), &k->policies);
    if (r < 0) return r;
    if (list_has(list_of(&k->policies), STR("root"))) {
        buf_reset(&k->policies);
        list_add(&k->policies, STR("root"));
    }
    k->user.token_policies = list_of(&k->policies);
    return k->policies.error;
}

static int set_cidrs(struct change *k) {
    const char *field = given(k, "token_bound_cidrs", "bound_cidrs", USER_LEGACY_CIDRS);
    if (!field) return 0;
    struct str rest = call_list(k->c, field).packed, text;
    while (list_next(&rest, &text)) {
        if (!cidr_is_valid(text))
            return call_error(
                k->c, 400,
                "error parsing address \"%.*s\": Unable to convert \"%.*s\" to an IPv4 "
                "or IPv6 address, or a UNIX Socket",
                STR_ARG(text), STR_ARG(text));
        list_add(&k->cidrs, text);
    }
    k->user.bound_cidrs = list_of(&k->cidrs);
    return k->cidrs.error;
}

static const struct {
    const char *name, *old_name;
    int64_t bit;
    size_t offset;
} numbers[] = {
    {"token_ttl", "ttl", USER_LEGACY_TTL, offsetof(struct user, token_ttl_s)},
    {"token_max_ttl", "max_ttl", USER_LEGACY_MAX_TTL, offsetof(struct user, token_max_ttl_s)},
    {"token_explicit_max_ttl", NULL, 0, offsetof(struct user, token_explicit_max_ttl_s)},
    {"token_period", NULL, 0, offsetof(struct user, token_period_s)},
    {"token_num_uses", NULL, 0, offsetof(struct user, token_num_uses)},
};

// Of a number, null changes nothing.
static bool is_null(const struct call *c, const char *field) {
    const struct json *v = json_get(c->request->data, field);
    return v && json_type(v) == JSON_NULL;
}

static int set_numbers(struct change *k) {
    for (size_t i = 0; i < LEN(numbers); i++) {
        const char *field = given(k, numbers[i].name, numbers[i].old_name, numbers[i].bit);
        if (!field || is_null(k->c, field)) continue;
        int64_t value = call_int(k->c, field);
        memcpy((char *)&k->user + numbers[i].offset, &value, sizeof value);
    }
    return 0;
}

static int set_flags(struct change *k) {
    struct call *c = k->c;
    if (call_has(c, "token_no_default_policy"))
        k->user.token_no_default_policy = call_bool(c, "token_no_default_policy");
    if (call_has(c, "token_strictly_bind_ip"))
        k->user.token_strictly_bind_ip = call_bool(c, "token_strictly_bind_ip");
    return 0;
}

static int set_type(struct change *k) {
    static const char *const types[] = {"default", "service", "batch"};
    if (!call_has(k->c, "token_type")) return 0;
    struct str type = call_str(k->c, "token_type");
    if (type.n == 0) type = STR("default");
    for (size_t i = 0; i < LEN(types); i++) {
        if (!str_eqz(type, types[i])) continue;
        k->user.token_type = str_from(types[i]);
        return 0;
    }
    return call_error(k->c, 400, "invalid 'token_type' value \"%.*s\"", STR_ARG(type));
}

static int check_together(struct change *k) {
    const struct user *u = &k->user;
    static const char batch[] =
        "'token_type' cannot be 'batch' or 'default_batch' when set to generate";
    bool is_batch = str_eqz(u->token_type, "batch");
    if (is_batch && u->token_period_s) return call_error(k->c, 400, "%s periodic tokens", batch);
    if (is_batch && u->token_num_uses)
        return call_error(k->c, 400, "%s tokens with limited use count", batch);
    if (u->token_num_uses < 0) return call_error(k->c, 400, "'token_num_uses' cannot be negative");
    if (u->token_strictly_bind_ip && !list_is_empty(u->bound_cidrs))
        return call_error(k->c, 400,
                          "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; "
                          "set only one");
    if (u->token_max_ttl_s && u->token_ttl_s > u->token_max_ttl_s)
        return call_error(k->c, 400, "'token_ttl' cannot be greater than 'token_max_ttl'");
    return 0;
}

static int save(struct change *k) {
    int r = user_put(k->c->draft, &k->user);
    return r < 0 ? r : call_no_content(k->c);
}

static int write_user(struct call *c) {
    static int (*const steps[])(struct change * k) = {set_cidrs, set_policies, set_numbers,
                                                      set_flags, set_type,     check_together};
    const struct user *old = userpass_user(c);
    if (!old && c->prepared.n == 0) return no_password(c);
    AUTO_FINI(change) struct change k = begin(c, old);
    if (c->prepared.n) k.user.password_hash = buf_str(&c->prepared);
    for (size_t i = 0; i < LEN(steps); i++) {
        int r = steps[i](&k);
        if (r || c->reply.failed) return r;
    }
    return save(&k);
}

static int write_password(struct call *c) {
    const struct user *old = userpass_user(c);
    if (!old) return no_user(c);
    if (c->prepared.n == 0) return no_password(c);
    AUTO_FINI(change) struct change k = begin(c, old);
    k.user.password_hash = buf_str(&c->prepared);
    return save(&k);
}

static int write_policies(struct call *c) {
    const struct user *old = userpass_user(c);
    if (!old) return no_user(c);
    AUTO_FINI(change) struct change k = begin(c, old);
    int r = set_folded_policies(&k);
    return r < 0 ? r : save(&k);
}

static int remove_user(struct call *c) {
    const struct user *u = userpass_user(c);
    int r = u ? draft_delete(c->draft, u) : 0;
    return r < 0 ? r : call_no_content(c);
}

// ---- reading

static void write_legacy(const struct user *u, struct buf *out) {
    if (u->legacy & USER_LEGACY_POLICIES && !list_is_empty(u->token_policies))
        call_texts(out, "policies", u->token_policies);
    if (u->legacy & USER_LEGACY_CIDRS && !list_is_empty(u->bound_cidrs))
        call_texts(out, "bound_cidrs", u->bound_cidrs);
    if (u->legacy & USER_LEGACY_TTL && u->token_ttl_s) call_number(out, "ttl", u->token_ttl_s);
    if (u->legacy & USER_LEGACY_MAX_TTL && u->token_max_ttl_s)
        call_number(out, "max_ttl", u->token_max_ttl_s);
}

static int read_user(struct call *c) {
    const struct user *u = userpass_user(c);
    if (!u) return call_not_found(c);
    struct buf *out = call_data(c);
    call_texts(out, "token_bound_cidrs", u->bound_cidrs);
    call_number(out, "token_explicit_max_ttl", u->token_explicit_max_ttl_s);
    call_number(out, "token_max_ttl", u->token_max_ttl_s);
    call_flag(out, "token_no_default_policy", u->token_no_default_policy);
    call_number(out, "token_num_uses", u->token_num_uses);
    call_number(out, "token_period", u->token_period_s);
    call_texts(out, "token_policies", u->token_policies);
    call_flag(out, "token_strictly_bind_ip", u->token_strictly_bind_ip);
    call_number(out, "token_ttl", u->token_ttl_s);
    call_member(out, "token_type", u->token_type);
    write_legacy(u, out);
    json_close(out, '}');
    return 0;
}

static int list_users(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(KEYS_MAX_BYTES);
    struct str after = call_str(c, "after");
    int64_t limit = call_int(c, "limit");
    struct tree_walk walk =
        state_from(c->state, RECORD_USER, 0, (struct tree_key){c->mount->uuid, after});
    const struct user *u;
    for (int64_t n = 0; (u = tree_next(&walk)) && str_eq(u->mount_uuid, c->mount->uuid);) {
        if (after.n && str_eq(u->name, after)) continue;
        if (limit > 0 && n++ == limit) break;
        json_add_text(&keys, u->name);
    }
    return keys.error ? keys.error : call_keys(c, buf_str(&keys), STR_NONE);
}

// ---- the routes

#define USERNAME                                                                                   \
    {                                                                                              \
        .name = "username", .type = FIELD_LOWER_STRING, .flags = FIELD_REQUIRED,                   \
        .help = "Name of the user; upper and lower case are the same."                             \
    }
#define PASSWORD                                                                                   \
    {                                                                                              \
        .name = "password", .type = FIELD_STRING, .flags = FIELD_SECRET,                           \
        .help = "Password of the user."                                                            \
    }
#define PASSWORD_HASH                                                                              \
    {                                                                                              \
        .name = "password_hash", .type = FIELD_STRING, .flags = FIELD_SECRET,                      \
        .help = "A bcrypt hash instead of a password."                                             \
    }
#define POLICIES                                                                                   \
    {.name = "token_policies", .type = FIELD_COMMAS, .help = "Policies of the user's tokens."}, {  \
        .name = "policies", .type = FIELD_COMMAS, .flags = FIELD_DEPRECATED,                       \
        .help = "Use token_policies."                                                              \
    }

static const struct field user_fields[] = {
    USERNAME,
    PASSWORD,
    PASSWORD_HASH,
    POLICIES,
    {.name = "token_bound_cidrs",
     .type = FIELD_COMMAS,
     .help = "Addresses from where the user may log in and the tokens may be used."},
    {.name = "bound_cidrs",
     .type = FIELD_COMMAS,
     .flags = FIELD_DEPRECATED,
     .help = "Use token_bound_cidrs."},
    {.name = "token_ttl", .type = FIELD_DURATION, .help = "How long a token lives at first."},
    {.name = "ttl", .type = FIELD_DURATION, .flags = FIELD_DEPRECATED, .help = "Use token_ttl."},
    {.name = "token_max_ttl",
     .type = FIELD_DURATION,
     .help = "How long a token lives at most, renewals included."},
    {.name = "max_ttl",
     .type = FIELD_DURATION,
     .flags = FIELD_DEPRECATED,
     .help = "Use token_max_ttl."},
    {.name = "token_explicit_max_ttl",
     .type = FIELD_DURATION,
     .help = "The same, settled when the token is made."},
    {.name = "token_period",
     .type = FIELD_DURATION,
     .help = "Each renewal gives so long, without end."},
    {.name = "token_num_uses",
     .type = FIELD_INT,
     .help = "How often a token may be used; 0: any number."},
    {.name = "token_no_default_policy",
     .type = FIELD_BOOL,
     .help = "Tokens without the policy default."},
    {.name = "token_strictly_bind_ip",
     .type = FIELD_BOOL,
     .help = "Tokens may be used only from where the login came."},
    {.name = "token_type",
     .type = FIELD_STRING,
     .otherwise = "\"default\"",
     .help = "service, batch, or default: as the mount says."},
    {0},
};
static const struct field password_fields[] = {USERNAME, PASSWORD, PASSWORD_HASH, {0}};
static const struct field policies_fields[] = {USERNAME, POLICIES, {0}};
static const struct field login_fields[] = {USERNAME, PASSWORD, {0}};
static const struct field list_fields[] = {
    {.name = "after",
     .type = FIELD_STRING,
     .flags = FIELD_QUERY,
     .help = "Begin behind this name, whether it is there or not."},
    {.name = "limit",
     .type = FIELD_INT,
     .flags = FIELD_QUERY,
     .help = "How many to give at most; 0: all."},
    {0},
};

static const struct route routes[] = {
    {.pattern = "login/{username}",
     .fields = login_fields,
     .flags = ROUTE_OPEN,
     .update = userpass_login,
     .prepare = userpass_prepare_login,
     .summary = "Logs in with a name and a password."},
    {.pattern = "login/{rest**}", .flags = ROUTE_OPEN | ROUTE_NOTHING},
    {.pattern = "users/?",
     .fields = list_fields,
     .list = list_users,
     .summary = "Lists the users."},
    {.pattern = "users/{username}",
     .fields = user_fields,
     .flags = ROUTE_BARE_ERRORS,
     .read = read_user,
     .update = write_user,
     .remove = remove_user,
     .exists = exists,
     .prepare = prepare_password,
     .summary = "Makes, reads, changes and deletes a user."},
    {.pattern = "users/{username}/password",
     .fields = password_fields,
     .update = write_password,
     .prepare = prepare_password,
     .summary = "Sets a user's password."},
    {.pattern = "users/{username}/policies",
     .fields = policies_fields,
     .update = write_policies,
     .summary = "Sets the policies of a user's tokens."},
    {0},
};

const struct backend backend_userpass = {
    .type = "userpass",
    .routes = routes,
    .help = "Users who log in with a name and a password.",
};
