// SPDX-License-Identifier: Apache-2.0
// What a caller may do, what user interfaces ask first, and two small tools (reference 5.8).
#include <errno.h>

#include "api/fields.h"
#include "api/sys-mount.h"
#include "base/parse.h"
#include "crypto/digest.h"
#include "identity/entity.h"

static struct acl_caller acl_caller_of(const struct call *c, const struct token_caller *who) {
    return (struct acl_caller){
        .state = c->state,
        .policies = who->policies,
        .identity_policies = who->identity_policies,
        .entity = who->entity,
        .root = who->root,
        .now_ms = c->now_ms,
    };
}

// The paths asked for: `paths`, or else the older `path`.
static struct list asked_paths(const struct call *c) {
    struct list paths = call_list(c, "paths");
    return list_is_empty(paths) ? call_list(c, "path") : paths;
}

// Of a single path the capabilities stand once more under that name.
static int write_capabilities(struct call *c, const struct token_caller *who, struct list paths) {
    struct acl_caller caller = acl_caller_of(c, who);
    AUTO_FINI(buf) struct buf names = buf_make(SYS_TEXT_MAX_BYTES);
    struct buf *data = call_data(c);
    struct str rest = paths.packed, path;
    while (list_next(&rest, &path)) {
        buf_reset(&names);
        struct str plain = path.n && path.p[0] == '/' ? str_sub(path, 1, path.n) : path;
        int r = acl_capabilities(&caller, plain, &names);
        if (r < 0) return r;
        json_key(data, path);
        list_write(data, list_of(&names));
    }
    if (list_count(paths) == 1) call_texts(data, "capabilities", list_of(&names));
    json_close(data, '}');
    return 0;
}

// Every path once: two would be the same member twice.
static int answer_capabilities(struct call *c, const struct token_caller *who) {
    AUTO_FINI(buf) struct buf paths = buf_make(SYS_LIST_MAX_BYTES);
    struct list asked = asked_paths(c);
    struct str rest = asked.packed, path;
    if (list_is_empty(asked)) return call_error(c, 400, "paths must be supplied");
    while (list_next(&rest, &path)) {
        if (!path.n) return call_error(c, 400, "1 error occurred:\n\t* missing path\n\n");
        if (!list_has(list_of(&paths), path)) list_add(&paths, path);
    }
    if (paths.error) return paths.error;
    return write_capabilities(c, who, list_of(&paths));
}

static int own_capabilities(struct call *c) { return answer_capabilities(c, &c->caller); }

static int answer_of_token(struct call *c, struct str token, const char *refusal) {
    AUTO_FINI(token_caller) struct token_caller who = {0};
    int r = token_check(c->state, token, c->request->remote_address, c->now_ms, &who);
    if (r < 0) return r;
    if (r == TOKEN_E_BAD) return call_error(c, 400, "1 error occurred:\n\t* %s\n\n", refusal);
    return answer_capabilities(c, &who);
}

static int token_capabilities(struct call *c) {
    struct str token = call_str(c, "token");
    if (list_is_empty(asked_paths(c))) return call_error(c, 400, "paths must be supplied");
    if (!token.n) return call_error(c, 400, "1 error occurred:\n\t* no token found\n\n");
    return answer_of_token(c, token, "invalid token");
}

// A token that is known by its accessor, as its holder would be judged.
static int accessor_capabilities(struct call *c) {
    struct str accessor = call_str(c, "accessor");
    if (!accessor.n) return call_error(c, 400, "missing accessor");
    const struct token *t = token_by_accessor(c->state, accessor);
    if (!t || !token_is_alive(c->state, t, c->now_ms))
        return call_error(c, 400, "1 error occurred:\n\t* invalid accessor\n\n");
    const struct entity *e = t->entity_id.n ? entity_in_force(c->state, t->entity_id) : NULL;
    bool silent = t->entity_id.n && (!e || e->disabled);
    struct token_caller who = {
        .token = t,
        .entity = e,
        .policies = silent ? (struct list){STR_NONE} : t->policies,
        .identity_policies = e && !silent ? e->policies : (struct list){STR_NONE},
        .root = !silent && list_has(t->policies, STR("root")),
    };
    return answer_capabilities(c, &who);
}

static void add_entry(const struct call *c, const struct mount *m, bool whole, struct buf *out) {
    json_key(out, str_sub(m->path, mount_is_auth(m) ? strlen("auth/") : 0, m->path.n));
    json_open(out, '{');
    if (whole) sys_mount_members(c, m, out);
    else {
        call_member(out, "description", m->description);
        call_pairs(out, "options", m->options);
        call_member(out, "type", m->shown_type);
    }
    json_close(out, '}');
}

// Mounts that the caller may know of: everything that a policy gives something of, and what is
// listed for everybody.
static void add_seen(const struct call *c, bool auth, struct buf *out) {
    struct acl_caller caller = acl_caller_of(c, &c->caller);
    bool known = c->caller.token;
    struct tree_walk walk =
        state_from(c->state, RECORD_MOUNT, 0, (struct tree_key){STR(""), STR_NONE});
    const struct mount *m;
    while ((m = tree_next(&walk))) {
        if (mount_is_auth(m) != auth) continue;
        bool listed = str_eqz(m->listing_visibility, "unauth");
        if (listed || (known && acl_sees(&caller, m->path))) add_entry(c, m, known, out);
    }
}

static int list_ui_mounts(struct call *c) {
    if (c->request->token.n && !c->caller.token) {
        c->reply.reason = "bad token";
        return call_error(c, 403, "permission denied");
    }
    struct buf *data = call_data(c);
    const char *const names[] = {"secret", "auth"};
    for (size_t i = 0; i < LEN(names); i++) {
        json_key(data, str_from(names[i]));
        json_open(data, '{');
        add_seen(c, i == 1, data);
        json_close(data, '}');
    }
    json_close(data, '}');
    return 0;
}

static int read_ui_mount(struct call *c) {
    struct str path = call_str(c, "path");
    if (!c->caller.token) return call_error(c, 403, "permission denied");
    struct acl_caller caller = acl_caller_of(c, &c->caller);
    const struct mount *m = mount_of(c->state, path);
    if (!m || !acl_sees(&caller, m->path)) {
        c->reply.reason = "no policy permits it";
        return call_error(c, 403,
                          "preflight capability check returned 403, please ensure client's "
                          "policies grant access to path \"%.*s%s\"",
                          STR_ARG(path), str_ends(path, STR("/")) ? "" : "/");
    }
    struct buf *data = call_data(c);
    sys_mount_members(c, m, data);
    call_member(data, "path", str_sub(m->path, mount_is_auth(m) ? strlen("auth/") : 0, m->path.n));
    json_close(data, '}');
    return 0;
}

static int read_resultant(struct call *c) {
    struct acl_caller caller = acl_caller_of(c, &c->caller);
    c->reply.has_data = true;
    return acl_write_resultant(&caller, &c->reply.data);
}

static int empty_data(struct call *c) {
    json_close(call_data(c), '}');
    return 0;
}

static int no_keys(struct call *c) { return call_not_found(c); }

static int read_cors(struct call *c) {
    struct buf *data = call_data(c);
    call_flag(data, "enabled", false);
    json_close(data, '}');
    return 0;
}

// Standard base64 with padding, appended.
static void add_base64(struct buf *out, struct str bytes) {
    size_t from = out->n;
    crypto_base64url(out, bytes);
    for (size_t i = from; i < out->n; i++)
        out->p[i] = out->p[i] == '-' ? '+' : out->p[i] == '_' ? '/' : out->p[i];
    while ((out->n - from) % 4 && !out->error) buf_addc(out, '=');
}

// Bytes as the `format` asks; with `otherwise` when it is not given. False: it is refused.
static bool add_formatted(struct call *c, const char *key, struct str bytes,
                          const char *otherwise) {
    struct str format = call_str(c, "format");
    if (!format.n) format = str_from(otherwise);
    bool hex = str_eqz(format, "hex");
    if (!hex && !str_eqz(format, "base64")) {
        call_error(c, 400, "unsupported encoding format \"%.*s\"; must be \"hex\" or \"base64\"",
                   STR_ARG(format));
        return false;
    }
    AUTO_WIPED struct buf text = buf_make(SYS_LIST_MAX_BYTES);
    if (hex) buf_add_hex(&text, bytes.p, bytes.n);
    else add_base64(&text, bytes);
    struct buf *data = call_data(c);
    call_member(data, key, buf_str(&text));
    json_close(data, '}');
    if (text.error && !data->error) data->error = text.error;
    return true;
}

enum { RANDOM_USUAL_BYTES = 32, RANDOM_MAX_BYTES = 131072 };

static int random_bytes(struct call *c) {
    int64_t n = call_has(c, "bytes") ? call_int(c, "bytes") : RANDOM_USUAL_BYTES;
    struct str count = call_str(c, "urlbytes");
    if (count.n && !parse_i64(count, &n))
        return call_error(c, 400,
                          "error parsing url-set byte count: strconv.Atoi: parsing \"%.*s\": "
                          "invalid syntax",
                          STR_ARG(count));
    if (n < 1) return call_error(c, 400, "'bytes' cannot be less than 1");
    if (n > RANDOM_MAX_BYTES)
        return call_error(c, 400, "'bytes' should be less than %d", RANDOM_MAX_BYTES);
    AUTO_WIPED struct buf bytes = buf_make(RANDOM_MAX_BYTES);
    if (!buf_reserve(&bytes, (size_t)n)) return bytes.error;
    int r = crypto_random(bytes.p, (size_t)n);
    if (r < 0) return r;
    bytes.n = (size_t)n;
    add_formatted(c, "random_bytes", buf_str(&bytes), "base64");
    return 0;
}

static const struct field self_fields[] = {
    {"paths", FIELD_COMMAS, NULL, 0, "Paths to judge."},
    {"path", FIELD_COMMAS, NULL, FIELD_DEPRECATED, "The same, for one path."},
    {0},
};

static const struct field token_fields[] = {
    {"paths", FIELD_COMMAS, NULL, 0, "Paths to judge."},
    {"path", FIELD_COMMAS, NULL, FIELD_DEPRECATED, "The same, for one path."},
    {"token", FIELD_STRING, NULL, FIELD_REQUIRED | FIELD_SECRET, "Whose capabilities."},
    {0},
};

static const struct field accessor_fields[] = {
    {"paths", FIELD_COMMAS, NULL, 0, "Paths to judge."},
    {"path", FIELD_COMMAS, NULL, FIELD_DEPRECATED, "The same, for one path."},
    {"accessor", FIELD_STRING, NULL, FIELD_REQUIRED, "Accessor of the token."},
    {0},
};

static const struct field ui_mount_fields[] = {
    {"path", FIELD_STRING, NULL, FIELD_REQUIRED, "A path at or below a mount."},
    {0},
};

static const struct field random_fields[] = {
    {"bytes", FIELD_INT, "32", 0, "How many bytes."},
    {"urlbytes", FIELD_STRING, NULL, 0, "How many bytes, in the path."},
    {"format", FIELD_STRING, "\"base64\"", 0, "base64 or hex."},
    {0},
};

const struct route sys_tool_routes[] = {
    {.pattern = "capabilities-self",
     .fields = self_fields,
     .flags = ROUTE_TOP,
     .update = own_capabilities,
     .summary = "What the caller may do at some paths."},
    {.pattern = "capabilities-accessor",
     .fields = accessor_fields,
     .flags = ROUTE_TOP,
     .update = accessor_capabilities,
     .summary = "What the token of an accessor may do at some paths."},
    {.pattern = "capabilities",
     .fields = token_fields,
     .flags = ROUTE_TOP,
     .update = token_capabilities,
     .summary = "What a token may do at some paths."},
    {.pattern = "internal/ui/mounts",
     .flags = ROUTE_OPTIONAL,
     .read = list_ui_mounts,
     .summary = "The mounts that the caller may know of."},
    {.pattern = "internal/ui/mounts/", .flags = ROUTE_OPTIONAL | ROUTE_NOTHING},
    {.pattern = "internal/ui/mounts/{path*}",
     .fields = ui_mount_fields,
     .flags = ROUTE_OPTIONAL,
     .read = read_ui_mount,
     .summary = "The mount that a path belongs to, if the caller may know of it."},
    {.pattern = "internal/ui/resultant-acl",
     .read = read_resultant,
     .summary = "All that the caller's policies say."},
    {.pattern = "internal/ui/namespaces",
     .flags = ROUTE_ANY_TOKEN,
     .read = empty_data,
     .summary = "Namespaces: there are none."},
    {.pattern = "namespaces/?", .list = no_keys, .summary = "Namespaces: there are none."},
    {.pattern = "policies/password/?",
     .list = no_keys,
     .summary = "Password policies: there are none."},
    {.pattern = "quotas/rate-limit/?", .list = no_keys, .summary = "Quotas: there are none."},
    {.pattern = "audit",
     .flags = ROUTE_SUDO | ROUTE_TOP,
     .read = empty_data,
     .summary = "Audit devices: none, the audit trail is a source of the event pipeline."},
    {.pattern = "config/cors",
     .flags = ROUTE_SUDO | ROUTE_TOP,
     .read = read_cors,
     .summary = "Cross-origin requests: not served."},
    {.pattern = "tools/random",
     .fields = random_fields,
     .update = random_bytes,
     .summary = "Random bytes."},
    {.pattern = "tools/random/{urlbytes}",
     .fields = random_fields,
     .update = random_bytes,
     .summary = "Random bytes, as many as the path says."},
    {0},
};
