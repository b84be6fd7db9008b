// SPDX-License-Identifier: Apache-2.0
// On the way of every request, so documents are written straight into the buffer, from the top to
// the bottom. What a client sends may be anything: of all that only the path is written, and what
// could be a token in it is masked.
#include "api/audit.h"

#include <errno.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "identity/core.h"
#include "identity/mount.h"

enum { DOCUMENT_BYTES = 1536, PATH_MAX_BYTES = 1 << 20, TOKEN_MIN_BYTES = 20, NS_PER_MS = 1000000 };

const char *const audit_operations[] = {
    [OP_READ] = "read",   [OP_LIST] = "list",     [OP_CREATE] = "create", [OP_UPDATE] = "update",
    [OP_PATCH] = "patch", [OP_DELETE] = "delete", [OP_HEADER] = "header", [OP_HELP] = "help",
};

// ECS event.type.
static const char *const types[] = {
    [OP_READ] = "access",   [OP_LIST] = "access",  [OP_CREATE] = "creation",
    [OP_UPDATE] = "change", [OP_PATCH] = "change", [OP_DELETE] = "deletion",
    [OP_HEADER] = "access", [OP_HELP] = "access",
};

// ECS event.category, beside "api"; NULL: none.
static const char *const categories[MOUNT_TYPES] = {
    [MOUNT_SYSTEM] = "configuration",
    [MOUNT_IDENTITY] = "iam",
    [MOUNT_TOKEN] = "iam",
    [MOUNT_USERPASS] = "iam",
};

// ---- pieces

static void add_member(struct buf *out, struct str key, struct str value) {
    json_comma(out);
    buf_addc(out, '"');
    buf_add_str(out, key);
    buf_add_str(out, STR("\":"));
    json_add_text(out, value);
}
#define MEMBER(out, key, value) add_member(out, STR(key), value)

static void add_time(struct buf *out, struct str key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    add_member(out, key, str_from(text));
}

static void open_object(struct buf *out, struct str key) {
    json_key(out, key);
    buf_addc(out, '{');
}

static void add_list(struct buf *out, struct str key, struct list l) {
    struct str rest = l.packed;
    struct str item;
    json_key(out, key);
    buf_addc(out, '[');
    while (list_next(&rest, &item)) json_add_text(out, item);
    buf_addc(out, ']');
}

// Without a state there is no key, and nothing is said of the value.
static int add_hash(struct buf *out, struct str key, const struct core *core, struct str value) {
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[CRYPTO_SHA256_BYTES];
    char hex[2 * CRYPTO_SHA256_BYTES];
    if (!core || value.n == 0) return 0;
    int r = crypto_hmac_sha256(core->audit_key, value, hash);
    if (r) return r;
    for (size_t i = 0; i < sizeof hash; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    add_member(out, key, (struct str){hex, sizeof hex});
    return 0;
}

// ---- the path

static bool looks_like_token(struct str s) {
    static const struct str prefixes[] = {{"s.", 2}, {"b.", 2}, {"hvs.", 4}, {"hvb.", 4}};
    for (size_t i = 0; s.n >= TOKEN_MIN_BYTES && i < LEN(prefixes); i++)
        if (str_starts(s, prefixes[i])) return true;
    return false;
}

static bool is_secret(const struct route *route, struct str name) {
    if (str_eq(name, STR("token")) || str_eq(name, STR("accessor"))) return true;
    for (const struct field *f = route->fields; f && f->name; f++)
        if (str_eqz(name, f->name)) return f->flags & FIELD_SECRET;
    return false;
}

// `part`: what stands between two slashes of the request's path.
static bool is_masked(const struct call *c, struct str part) {
    if (looks_like_token(part)) return true;
    for (size_t i = 0; c->route && i < c->capture_count; i++) {
        struct str name = {c->capture[i].name, c->capture[i].name_n};
        if (c->capture[i].value.p == part.p && part.n && is_secret(c->route, name)) return true;
    }
    return false;
}

void audit_path(struct buf *out, const struct call *c) {
    struct str rest = c->request->path;
    buf_reserve(out, rest.n + 64);
    do {
        struct str part = str_split(&rest, '/');
        if (part.p != c->request->path.p) buf_addc(out, '/');
        buf_add_str(out, is_masked(c, part) ? STR("{masked}") : part);
    } while (rest.p);
}

static void add_path(struct buf *out, const struct call *c) {
    AUTO_FINI(buf) struct buf text = buf_make(PATH_MAX_BYTES);
    buf_add_str(&text, STR("/v1/"));
    audit_path(&text, c);
    MEMBER(out, "path", buf_str(&text));
    if (text.error && !out->error) out->error = text.error;
}

// The pattern as people write it: without the marks of captures, and without a final "?".
static void add_pattern(struct buf *out, struct str pattern) {
    if (str_ends(pattern, STR("/?"))) pattern.n -= 2;
    for (size_t i = 0; i < pattern.n; i++)
        if (!strchr("@#*", pattern.p[i])) buf_addc(out, pattern.p[i]);
}

// "update auth/userpass/users/{username}": how many there are does not depend on what is asked.
static void add_action(struct buf *out, const struct call *c) {
    AUTO_FINI(buf) struct buf text = buf_make(PATH_MAX_BYTES);
    buf_addz(&text, audit_operations[c->op]);
    if (c->mount) {
        buf_addc(&text, ' ');
        buf_add_str(&text, c->mount->path);
    }
    if (c->mount && c->route) add_pattern(&text, str_from(c->route->pattern));
    MEMBER(out, "action", buf_str(&text));
    if (text.error && !out->error) out->error = text.error;
}

// ---- event

static bool is_login(const struct call *c) {
    return c->mount && c->route && c->mount->type == MOUNT_USERPASS &&
           str_starts(str_from(c->route->pattern), STR("login/"));
}

static const char *category_of(const struct call *c) {
    if (is_login(c)) return "authentication";
    if (!c->mount) return NULL;
    bool policies = c->mount->type == MOUNT_SYSTEM && str_starts(c->rest, STR("polic"));
    return policies ? "iam" : categories[c->mount->type];
}

static void add_categories(struct buf *out, const struct call *c, int status) {
    const char *category = category_of(c);
    buf_add_str(out, STR(",\"category\":[\"api\""));
    if (category) json_add_str(out, str_from(category));
    buf_add_str(out, STR("],\"type\":["));
    json_add_str(out, str_from(is_login(c) ? "start" : types[c->op]));
    if (status == 403) json_add_str(out, STR("denied"));
    if (status < 400) json_add_str(out, STR("allowed"));
    buf_addc(out, ']');
}

static int add_id(struct buf *out, const struct call *c) {
    if (c->request->id.n) {
        MEMBER(out, "id", c->request->id);
        return 0;
    }
    buf_add_str(out, STR(",\"id\":\""));
    int r = mount_new_uuid(out);
    buf_addc(out, '"');
    return r;
}

static int add_event(struct buf *out, const struct call *c, int status, int64_t took_ms) {
    open_object(out, STR("event"));
    buf_add_str(out, STR("\"kind\":\"event\",\"module\":\"gatehouse\","
                         "\"dataset\":\"gatehouse.gate\""));
    int r = add_id(out, c);
    add_action(out, c);
    add_categories(out, c, status);
    MEMBER(out, "outcome", status < 400 ? STR("success") : STR("failure"));
    if (c->reply.reason) MEMBER(out, "reason", str_from(c->reply.reason));
    add_time(out, STR("created"), c->now_ms + took_ms);
    json_key(out, STR("duration"));
    json_add_i64(out, took_ms * NS_PER_MS);
    buf_addc(out, '}');
    return r;
}

// ---- the request

static void add_request(struct buf *out, const struct call *c, int status) {
    const struct request *q = c->request;
    open_object(out, STR("url"));
    add_path(out, c);
    buf_addc(out, '}');
    open_object(out, STR("http"));
    open_object(out, STR("request"));
    if (q->id.n) MEMBER(out, "id", q->id);
    if (q->method.n) MEMBER(out, "method", q->method);
    buf_addc(out, '}');
    open_object(out, STR("response"));
    json_key(out, STR("status_code"));
    json_add_i64(out, status);
    buf_add_str(out, STR("}}"));
    if (q->remote_address.n == 0) return;
    open_object(out, STR("source"));
    MEMBER(out, "ip", q->remote_address);
    buf_addc(out, '}');
}

// ---- who

// Who asked: by his token, or, of a login, what he says he is and what he then turned out to be.
struct person {
    struct str id, name, issued_accessor;
    struct json_reader *reader; // of what a login gave
};

static struct str captured(const struct call *c, struct str name) {
    for (size_t i = 0; i < c->capture_count; i++)
        if (str_eq(name, (struct str){c->capture[i].name, c->capture[i].name_n}))
            return c->capture[i].value;
    return STR_NONE;
}

// What was issued with an answer: `auth` holds the token itself, too.
static int read_issued(const struct call *c, struct person *p) {
    struct fault ignored;
    const struct json *auth = NULL;
    int r = json_reader_new(&p->reader);
    if (r == 0) r = json_read(p->reader, buf_str(&c->reply.auth), &auth, &ignored);
    if (r) return r < 0 ? r : 0;
    p->issued_accessor = json_str(json_get(auth, "accessor"));
    if (is_login(c)) p->id = json_str(json_get(auth, "entity_id"));
    return 0;
}

static int find_person(const struct call *c, struct person *p) {
    if (c->caller.token) p->name = c->caller.token->display_name;
    if (c->caller.entity) p->id = c->caller.entity->id;
    if (is_login(c)) p->name = captured(c, STR("username"));
    return c->reply.auth.n && !c->reply.failed ? read_issued(c, p) : 0;
}

static void add_related(struct buf *out, const struct call *c, const struct person *p) {
    open_object(out, STR("related"));
    if (c->request->remote_address.n) {
        json_key(out, STR("ip"));
        json_open(out, '[');
        json_add_text(out, c->request->remote_address);
        buf_addc(out, ']');
    }
    if (p->id.n || p->name.n) {
        json_key(out, STR("user"));
        json_open(out, '[');
        if (p->id.n) json_add_text(out, p->id);
        if (p->name.n) json_add_text(out, p->name);
        buf_addc(out, ']');
    }
    buf_addc(out, '}');
}

static void add_person(struct buf *out, const struct call *c, const struct person *p) {
    if (p->id.n || p->name.n) {
        open_object(out, STR("user"));
        if (p->id.n) MEMBER(out, "id", p->id);
        if (p->name.n) MEMBER(out, "name", p->name);
        buf_addc(out, '}');
    }
    add_related(out, c, p);
}

// ---- what only the gate has

static void add_mount(struct buf *out, const struct mount *m) {
    open_object(out, STR("mount"));
    MEMBER(out, "path", m->path);
    if (m->accessor.n) MEMBER(out, "accessor", m->accessor);
    if (m->shown_type.n) MEMBER(out, "type", m->shown_type);
    buf_addc(out, '}');
}

static int add_token(struct buf *out, const struct call *c, const struct core *core) {
    const struct token *t = c->caller.token;
    int r = add_hash(out, STR("token_hash"), core, c->request->token);
    if (r || !t) return r;
    r = add_hash(out, STR("accessor_hash"), core, t->accessor);
    MEMBER(out, "token_type", t->kind == TOKEN_BATCH ? STR("batch") : STR("service"));
    add_list(out, STR("policies"), c->caller.policies);
    if (!list_is_empty(c->caller.identity_policies))
        add_list(out, STR("identity_policies"), c->caller.identity_policies);
    return r;
}

// What asking for MFA came to; the documents of the challenges themselves say the rest.
static void add_passage(struct buf *out, const struct passage *p) {
    open_object(out, STR("mfa"));
    MEMBER(out, "result",
           p->remembered ? STR("remembered")
           : p->allowed  ? STR("passed")
                         : STR("refused"));
    if (p->rule) MEMBER(out, "rule", str_from(p->rule));
    if (p->challenges.n) add_list(out, STR("challenge_ids"), list_of(&p->challenges));
    buf_addc(out, '}');
}

static int add_gate(struct buf *out, const struct call *c, const struct person *p) {
    const struct core *core = c->state ? core_of(c->state) : NULL;
    open_object(out, STR("gatehouse"));
    open_object(out, STR("gate"));
    MEMBER(out, "operation", str_from(audit_operations[c->op]));
    if (c->mount) add_mount(out, c->mount);
    if (c->request->namespace.n) MEMBER(out, "namespace", c->request->namespace);
    int r = add_token(out, c, core);
    if (r == 0) r = add_hash(out, STR("issued_accessor_hash"), core, p->issued_accessor);
    if (c->caller.entity) MEMBER(out, "entity_name", c->caller.entity->name);
    if (c->verdict.mfa_methods.n)
        add_list(out, STR("mfa_methods"), list_of(&c->verdict.mfa_methods));
    if (c->passage) add_passage(out, c->passage);
    if (c->request->wrap_ttl_s > 0) {
        json_key(out, STR("wrap_ttl_s"));
        json_add_i64(out, c->request->wrap_ttl_s);
    }
    buf_add_str(out, STR("}}"));
    return r;
}

static int write_all(struct buf *out, const struct call *c, int status, int64_t took_ms,
                     const struct person *p) {
    buf_reserve(out, DOCUMENT_BYTES);
    buf_addc(out, '{');
    add_time(out, STR("@timestamp"), c->now_ms);
    buf_add_str(out, STR(",\"agent\":{\"type\":\"gatehouse\",\"version\":\"" GATEHOUSE_VERSION
                         "\"},\"data_stream\":{\"type\":\"logs\",\"dataset\":\"gatehouse.gate\","
                         "\"namespace\":\"default\"},\"ecs\":{\"version\":\"8.11.0\"}"));
    int r = add_event(out, c, status, took_ms);
    if (r) return r;
    add_request(out, c, status);
    add_person(out, c, p);
    r = add_gate(out, c, p);
    buf_addc(out, '}');
    return r ? r : out->error;
}

int audit_write(struct buf *out, const struct call *c, int status, int64_t took_ms) {
    struct person p = {.reader = NULL};
    int r = find_person(c, &p);
    if (r == 0) r = write_all(out, c, status, took_ms, &p);
    if (p.reader) json_reader_wipe(p.reader);
    json_reader_free(p.reader);
    return r;
}
