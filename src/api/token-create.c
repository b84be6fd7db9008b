// SPDX-License-Identifier: Apache-2.0
// auth/token/create. The checks are steps of a table, in the order in which the server makes them:
// where two things are wrong, the first step's text is the answer.
#include <errno.h>

#include "api/fields.h"
#include "api/lease.h"
#include "api/token-handlers.h"
#include "base/time.h"
#include "identity/names.h"
#include "identity/policy.h"

enum { LIST_MAX_BYTES = 16 << 20, NAME_MAX_BYTES = 1 << 20 };

const struct field token_create_fields[] = {
    {.name = "id", .type = FIELD_STRING, .flags = FIELD_SECRET, .help = "The token itself."},
    {.name = "display_name", .type = FIELD_STRING, .help = "A name for people."},
    {.name = "entity_alias", .type = FIELD_STRING, .help = "Only with roles."},
    {.name = "explicit_max_ttl", .type = FIELD_STRING, .help = "A limit that nothing moves."},
    {.name = "lease", .type = FIELD_STRING, .flags = FIELD_DEPRECATED, .help = "Use ttl."},
    {.name = "meta", .type = FIELD_PAIRS, .help = "Names and values for audit events."},
    {.name = "no_default_policy", .type = FIELD_BOOL, .help = "Without the policy default."},
    {.name = "no_parent", .type = FIELD_BOOL, .help = "Not a child of the caller's token."},
    {.name = "num_uses", .type = FIELD_INT, .help = "How often it may be used; 0: any number."},
    {.name = "period", .type = FIELD_STRING, .help = "Each renewal gives so long, without end."},
    {.name = "policies", .type = FIELD_STRINGS, .help = "Its policies; none: the caller's."},
    {.name = "renewable", .type = FIELD_BOOL, .otherwise = "true", .help = "May be renewed."},
    {.name = "ttl", .type = FIELD_STRING, .help = "How long it lives."},
    {.name = "type", .type = FIELD_STRING, .help = "service or batch."},
    {0},
};

struct creation {
    struct call *c;
    const struct token *parent;
    bool sudo, orphan;
    struct buf policies, name;
    struct str id;
    int64_t ttl_ms, period_ms, explicit_max_ms;
    struct token want;
};

static void creation_fini(struct creation *k) {
    buf_fini(&k->policies);
    buf_fini(&k->name);
}
DEFINE_AUTO_FINI(creation)

static int refuse(struct creation *k, const char *text) {
    return call_error(k->c, 400, "%s", text);
}

// ---- steps; each refuses by an answer that has failed

static int check_parent(struct creation *k) {
    if (k->parent->num_uses) return refuse(k, "restricted use token cannot generate child tokens");
    if (k->parent->kind == TOKEN_BATCH) return refuse(k, "batch tokens cannot create more tokens");
    return 0;
}

static int check_type(struct creation *k) {
    struct str type = call_str(k->c, "type");
    if (str_eqz(type, "batch")) k->want.kind = TOKEN_BATCH;
    else if (type.n && !str_eqz(type, "service")) return refuse(k, "invalid 'token_type' value");
    return 0;
}

// Clients send "0s" for a time that is not wanted.
static bool has_time(struct call *c, const char *field) {
    struct fault why = {{0}};
    int64_t seconds = 0;
    return fields_seconds_text(call_str(c, field), true, &seconds, &why) || seconds != 0;
}

static int check_batch(struct creation *k) {
    static const char *const forbidden[] = {"explicit_max_ttl", "num_uses", "period"};
    if (k->want.kind != TOKEN_BATCH) return 0;
    for (size_t i = 0; i < LEN(forbidden); i++) {
        bool given = i == 1 ? call_int(k->c, forbidden[i]) != 0 : has_time(k->c, forbidden[i]);
        if (given)
            return call_error(k->c, 400, "batch tokens cannot have \"%s\" set", forbidden[i]);
    }
    return 0;
}

static int check_uses(struct creation *k) {
    k->want.num_uses = call_int(k->c, "num_uses");
    return k->want.num_uses < 0 ? refuse(k, "number of uses cannot be negative") : 0;
}

static int check_alias(struct creation *k) {
    if (call_str(k->c, "entity_alias").n == 0) return 0;
    return refuse(k, "'entity_alias' is only allowed in combination with token role");
}

// "token-", then the name with a dash for every character that is neither letter nor digit.
static int set_name(struct creation *k) {
    struct str name = call_str(k->c, "display_name");
    buf_addz(&k->name, "token");
    if (name.n) buf_addc(&k->name, '-');
    for (size_t i = 0; i < name.n; i++) {
        unsigned char ch = (unsigned char)name.p[i];
        bool letter =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        bool continues = (ch & 0xc0) == 0x80; // a character's further bytes
        if (!continues) buf_addc(&k->name, letter ? (char)ch : '-');
    }
    if (name.n && k->name.n && k->name.p[k->name.n - 1] == '-') buf_cut(&k->name, k->name.n - 1);
    k->want.display_name = buf_str(&k->name);
    return k->name.error;
}

// ---- policies

static bool is_subset(struct list part, struct list whole) {
    struct str rest = part.packed, policy;
    while (list_next(&rest, &policy))
        if (!list_has(whole, policy)) return false;
    return true;
}

static void without(struct buf *out, struct list policies, struct str unwanted) {
    struct str rest = policies.packed, policy;
    while (list_next(&rest, &policy))
        if (!str_eq(policy, unwanted)) list_add(out, policy);
}

// A parent that has no default hands none on, unless its bearer may do what he likes.
static bool adds_default(const struct creation *k, bool inherits) {
    if (inherits || call_bool(k->c, "no_default_policy")) return false;
    return k->sudo || list_has(k->parent->policies, STR("default"));
}

static int settle(struct creation *k, struct list asked, bool inherits) {
    AUTO_FINI(buf) struct buf fallback = buf_make(64);
    if (list_has(asked, STR("root"))) {
        list_add(&k->policies, STR("root"));
        return k->policies.error;
    }
    if (call_bool(k->c, "no_default_policy")) {
        without(&k->policies, asked, STR("default"));
        return k->policies.error;
    }
    if (adds_default(k, inherits)) list_add(&fallback, STR("default"));
    return fallback.error ? fallback.error : list_union(&k->policies, asked, list_of(&fallback));
}

static int set_policies(struct creation *k) {
    AUTO_FINI(buf) struct buf folded = buf_make(LIST_MAX_BYTES);
    struct list given = call_list(k->c, "policies");
    bool inherits = list_is_empty(given);
    int r = names_fold(inherits ? k->parent->policies : given, &folded);
    if (r < 0) return r;
    struct list asked = list_of(&folded);
    if (!k->sudo && !inherits && !is_subset(asked, k->parent->policies))
        return refuse(k, "child policies must be subset of parent");
    if (list_has(asked, STR("root")) && !list_has(k->parent->policies, STR("root")))
        return refuse(k, "root tokens may not be created without parent token being root");
    if (list_has(asked, STR("response-wrapping")))
        return refuse(k, "cannot assign policy \"response-wrapping\"");
    r = settle(k, asked, inherits);
    k->want.policies = list_of(&k->policies);
    return r;
}

static bool is_root(const struct creation *k) { return list_has(k->want.policies, STR("root")); }

static int check_batch_root(struct creation *k) {
    if (k->want.kind != TOKEN_BATCH || !is_root(k)) return 0;
    return refuse(k, "batch tokens cannot be root tokens");
}

// ---- id, parent, times

static int set_id(struct creation *k) {
    struct str id = call_str(k->c, "id");
    if (id.n == 0) return 0;
    if (!k->sudo) return refuse(k, "root or sudo privileges required to specify token id");
    if (str_starts(id, STR("hvs.")))
        return refuse(k, "custom token ID cannot have the 'hvs.' prefix");
    if (str_starts(id, STR("s."))) return refuse(k, "custom token ID cannot have the 's.' prefix");
    if (str_find_char(id, '.') < id.n)
        return refuse(k, "custom token ID cannot have a '.' in the value");
    call_warn(k->c,
              "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the "
              "more secure SHA2-256 HMAC for token obfuscation. SHA1 hashed tokens on the wire "
              "leads to less secure lookups.");
    k->id = id;
    return 0;
}

static int set_parent(struct creation *k) {
    if (call_bool(k->c, "no_parent") && !k->sudo)
        return refuse(k, "root or sudo privileges required to create orphan token");
    if (call_bool(k->c, "no_parent")) k->orphan = true;
    if (k->orphan) return 0;
    k->want.parent = k->parent->hash;
    k->want.entity_id = k->parent->entity_id;
    return 0;
}

static int read_time(struct creation *k, const char *field, int64_t *ret_ms) {
    struct fault why;
    struct str text = call_str(k->c, field);
    if (lease_read_duration(text, ret_ms, &why)) return refuse(k, why.text);
    return *ret_ms < 0 ? call_error(k->c, 400, "%s must be positive", field) : 0;
}

static int read_explicit_max(struct creation *k) {
    return read_time(k, "explicit_max_ttl", &k->explicit_max_ms);
}

static int read_period(struct creation *k) {
    int r = read_time(k, "period", &k->period_ms);
    if (r || k->c->reply.failed || k->period_ms == 0 || k->sudo) return r;
    return refuse(k, "root or sudo privileges required to create periodic token");
}

static int read_ttl(struct creation *k) {
    const char *field = call_str(k->c, "ttl").n ? "ttl" : "lease";
    return read_time(k, field, &k->ttl_ms);
}

// A root token may live for ever; only one that does may make another that does.
static int check_forever(struct creation *k) {
    if (!is_root(k) || k->ttl_ms || k->period_ms || k->explicit_max_ms) return 0;
    if (!k->parent->expires_ms) return 0;
    return refuse(k, "expiring root tokens cannot create non-expiring root tokens");
}

static int set_times(struct creation *k) {
    struct token *want = &k->want;
    want->created_ms = k->c->now_ms;
    want->period_s = k->period_ms / TIME_SECOND_MS;
    want->explicit_max_ttl_s = k->explicit_max_ms / TIME_SECOND_MS;
    if (is_root(k) && !k->ttl_ms && !k->period_ms) {
        if (!k->explicit_max_ms) return 0;
        k->ttl_ms = k->explicit_max_ms;
    }
    struct lease_ask ask = {.mount = k->c->mount,
                            .ttl_ms = k->ttl_ms,
                            .period_s = want->period_s,
                            .explicit_max_ttl_s = want->explicit_max_ttl_s,
                            .created_ms = k->c->now_ms};
    int64_t ttl_ms = 0;
    if (lease_settle(k->c, &ask, &ttl_ms)) return refuse(k, "the token would have no time to live");
    want->expires_ms = k->c->now_ms + ttl_ms;
    want->ttl_s = ttl_ms / TIME_SECOND_MS;
    want->renewable = want->kind == TOKEN_SERVICE && call_bool(k->c, "renewable");
    return 0;
}

static int warn_of_policies(struct creation *k) {
    struct str rest = k->want.policies.packed, policy;
    while (list_next(&rest, &policy))
        if (!str_eqz(policy, "root") && !policy_get(k->c->state, policy))
            call_warn(k->c, "Policy \"%.*s\" does not exist", STR_ARG(policy));
    return 0;
}

// ---- all together

static int (*const steps[])(struct creation *k) = {
    check_parent, check_type,       check_batch,      check_uses, check_alias,       set_name,
    set_policies, check_batch_root, set_id,           set_parent, read_explicit_max, read_period,
    read_ttl,     check_forever,    warn_of_policies, set_times,
};

static int create(struct call *c, bool orphan) {
    AUTO_FINI(creation)
    struct creation k = {
        .c = c,
        .parent = c->caller.token,
        .sudo = c->caller.root || c->verdict.capabilities & ACL_SUDO,
        .orphan = orphan,
        .policies = buf_make(LIST_MAX_BYTES),
        .name = buf_make(NAME_MAX_BYTES),
        .want = {.path = c->request->path,
                 .meta = call_list(c, "meta"),
                 .bound_cidrs = c->caller.token->bound_cidrs},
    };
    if (!call_has(c, "meta") || list_is_empty(k.want.meta)) k.want.meta.packed = STR_NONE;
    for (size_t i = 0; i < LEN(steps); i++) {
        int r = steps[i](&k);
        if (r || c->reply.failed) return r;
    }
    int r = lease_grant(c, &k.want, k.id);
    if (r == TOKEN_E_TAKEN) return refuse(&k, "cannot create a token with a duplicate ID");
    return r;
}

int token_handle_create(struct call *c) { return create(c, false); }
int token_handle_create_orphan(struct call *c) { return create(c, true); }
