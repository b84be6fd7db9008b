// SPDX-License-Identifier: Apache-2.0
// sys/policies/acl and its older spelling sys/policy (reference 5.5).
#include <errno.h>

#include "api/sys.h"
#include "crypto/digest.h"
#include "identity/policy.h"

// Policies that are made at the first start and that nobody may write; root is not even a record.
static bool is_immutable(struct str name) {
    return str_eqz(name, "root") || str_eqz(name, "response-wrapping");
}

// Those that no list shows.
static bool is_hidden(struct str name) { return str_eqz(name, "response-wrapping"); }

// Standard base64 with padding, appended. False: something else, nothing is appended.
static bool decode_base64(struct buf *out, struct str text) {
    AUTO_FINI(buf) struct buf url = buf_make(SYS_LIST_MAX_BYTES);
    if (text.n == 0 || text.n % 4) return false;
    struct str body = text;
    while (body.n && text.n - body.n < 2 && body.p[body.n - 1] == '=') body.n--;
    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];
        if (c == '-' || c == '_') return false;
        buf_addc(&url, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    if (url.error && !out->error) out->error = url.error;
    return !url.error && crypto_base64url_decode(out, buf_str(&url));
}

// The text of a write, which may come in base64. `memory` keeps what was decoded.
static struct str policy_text(struct str given, struct buf *memory) {
    return decode_base64(memory, given) ? buf_str(memory) : given;
}

// What a check-and-set parameter says against the policy as it is. True: the write may go on.
static bool cas_permits(struct call *c, const struct policy *old) {
    int64_t version = old ? old->version : 0;
    if (!call_has(c, "cas")) {
        if (!old || !old->cas_required) return true;
        call_error(c, 400, "check-and-set parameter required for this call");
        return false;
    }
    int64_t cas = call_int(c, "cas");
    if (cas == version || (cas == -1 && !old)) return true;
    if (cas == -1) call_error(c, 400, "check-and-set parameter set to -1 on existing entry");
    else
        call_error(c, 400, "check-and-set parameter %lld did not match the current version %lld",
                   (long long)cas, (long long)version);
    return false;
}

// What OpenBao has beyond Vault and would change what a policy means: refused, never passed over.
static bool wants_unknown(struct call *c) {
    static const char *const names[] = {"expiration", "ttl"};
    for (size_t i = 0; i < LEN(names); i++) {
        if (!call_str(c, names[i]).n) continue;
        call_error(c, 400, "'%s' of policies is not supported", names[i]);
        return true;
    }
    return false;
}

// A flag of the policy: as the request says, else as it was (`kept`; NULL: off).
static bool flag_of(struct call *c, const char *field, const bool *kept) {
    return call_has(c, field) || !kept ? call_bool(c, field) : *kept;
}

// `kept`: the policy whose flags stay where the request says nothing of them; NULL: none.
static int put_text(struct call *c, struct str name, struct str text, const struct policy *kept) {
    const struct policy *old = policy_get(c->state, name);
    if (!cas_permits(c, old)) return 0;
    struct policy want = {.name = name, .text = text, .modified_ms = c->now_ms};
    want.version = old ? old->version + 1 : 1;
    want.cas_required = flag_of(c, "cas_required", kept ? &kept->cas_required : NULL);
    want.allow_slashes =
        flag_of(c, "allow_slashes_in_identity_templates", kept ? &kept->allow_slashes : NULL);
    want.allow_wildcards =
        flag_of(c, "allow_wildcards_in_identity_templates", kept ? &kept->allow_wildcards : NULL);
    struct policy *made = NULL;
    struct fault fault = {0};
    int r = policy_make_from(&made, &want, &fault);
    if (r < 0) return r;
    if (r == POLICY_E_TEXT) return call_error(c, 400, "failed to parse policy: %s", fault.text);
    r = draft_put(c->draft, made);
    if (r < 0) return r;
    return call_no_content(c);
}

static int write_policy(struct call *c, struct str given) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    struct str name = call_str(c, "name");
    if (!given.n) return call_error(c, 400, "'policy' parameter not supplied or empty");
    if (is_immutable(name))
        return call_error(c, 400, "cannot update \"%.*s\" policy", STR_ARG(name));
    if (wants_unknown(c)) return 0;
    struct str text = policy_text(given, &memory);
    if (memory.error) return memory.error;
    return put_text(c, name, text, NULL);
}

static int put_policy(struct call *c) { return write_policy(c, call_str(c, "policy")); }

static int put_legacy(struct call *c) {
    struct str policy = call_str(c, "policy");
    struct str rules = call_str(c, "rules");
    if (policy.n || !rules.n) return write_policy(c, policy);
    int r = write_policy(c, rules);
    if (r == 0 && !c->reply.failed)
        call_warn(c, "'rules' is deprecated, please use 'policy' instead");
    return r;
}

static int patch_policy(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    struct str name = call_str(c, "name");
    const struct policy *old = policy_get(c->state, name);
    if (is_immutable(name))
        return call_error(c, 400, "cannot update \"%.*s\" policy", STR_ARG(name));
    if (!old) return call_error(c, 400, "policy not found");
    if (wants_unknown(c)) return 0;
    struct str text = policy_text(call_str(c, "policy"), &memory);
    if (memory.error) return memory.error;
    int r = put_text(c, name, text.n ? text : old->text, old);
    if (r == 0 && !c->reply.failed) c->reply.has_data = true;
    return r;
}

// The root policy has no text and no history.
static int write_root(struct call *c, const char *text_key) {
    struct buf *data = call_data(c);
    call_flag(data, "allow_slashes_in_identity_templates", false);
    call_flag(data, "allow_wildcards_in_identity_templates", false);
    call_flag(data, "cas_required", false);
    call_member(data, "name", STR("root"));
    call_member(data, text_key, STR(""));
    call_number(data, "version", 0);
    json_close(data, '}');
    return 0;
}

static int read_named(struct call *c, const char *text_key) {
    struct str name = call_str(c, "name");
    if (str_eqz(name, "root")) return write_root(c, text_key);
    const struct policy *p = policy_get(c->state, name);
    if (!p) return call_not_found(c);
    struct buf *data = call_data(c);
    call_flag(data, "allow_slashes_in_identity_templates", p->allow_slashes);
    call_flag(data, "allow_wildcards_in_identity_templates", p->allow_wildcards);
    call_flag(data, "cas_required", p->cas_required);
    call_time(data, "modified", p->modified_ms);
    call_member(data, "name", p->name);
    call_member(data, text_key, p->text);
    call_number(data, "version", p->version);
    json_close(data, '}');
    return 0;
}

static int read_policy(struct call *c) { return read_named(c, "policy"); }
static int read_legacy(struct call *c) { return read_named(c, "rules"); }

static int delete_policy(struct call *c) {
    struct str name = call_str(c, "name");
    if (str_eqz(name, "default")) return call_error(c, 400, "cannot delete default policy");
    if (is_immutable(name))
        return call_error(c, 400, "cannot delete \"%.*s\" policy", STR_ARG(name));
    const struct policy *p = policy_get(c->state, name);
    int r = p ? draft_delete(c->draft, p) : 0;
    if (r < 0) return r;
    return call_no_content(c);
}

static bool in_folder(struct str name) { return str_find_char(name, '/') < name.n; }

// Appends the names that begin with `prefix` and are (`folders`) or are not in a folder.
static void add_names(const struct state *s, struct str prefix, bool folders, struct buf *out) {
    struct tree_walk walk = state_from(s, RECORD_POLICY, 0, (struct tree_key){prefix, STR_NONE});
    const struct policy *p;
    while ((p = tree_next(&walk)) && str_starts(p->name, prefix)) {
        if (is_hidden(p->name) || in_folder(p->name) != folders) continue;
        json_comma(out);
        json_add_text(out, p->name);
    }
}

// Names with a slash come behind the others, and root comes last, as in OpenBao.
static void add_all_names(const struct state *s, struct buf *out) {
    add_names(s, STR(""), false, out);
    add_names(s, STR(""), true, out);
    json_comma(out);
    json_add_str(out, STR("root"));
}

static int list_policies(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    add_all_names(c->state, &keys);
    if (keys.error) return keys.error;
    return call_keys(c, buf_str(&keys), STR_NONE);
}

static int list_folder(struct call *c) {
    AUTO_FINI(buf) struct buf prefix = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    buf_add_str(&prefix, call_str(c, "name"));
    if (!str_ends(buf_str(&prefix), STR("/"))) buf_addc(&prefix, '/');
    if (prefix.error) return prefix.error;
    add_names(c->state, buf_str(&prefix), true, &keys);
    if (keys.error) return keys.error;
    return call_keys(c, buf_str(&keys), STR_NONE);
}

static int list_legacy(struct call *c) {
    AUTO_FINI(buf) struct buf names = buf_make(SYS_LIST_MAX_BYTES);
    add_all_names(c->state, &names);
    if (names.error) return names.error;
    struct buf *data = call_data(c);
    const char *const keys[] = {"keys", "policies"};
    for (size_t i = 0; i < LEN(keys); i++) {
        json_key(data, str_from(keys[i]));
        json_open(data, '[');
        buf_add_str(data, buf_str(&names));
        json_close(data, ']');
    }
    json_close(data, '}');
    return 0;
}

#define COMMON_FIELDS                                                                              \
    {"name", FIELD_LOWER_STRING, NULL, FIELD_REQUIRED, "Name of the policy, in lower case."},      \
        {"policy", FIELD_STRING, NULL, FIELD_REQUIRED,                                             \
         "Rules in HCL or JSON, as text or in base64."},                                           \
        {"cas", FIELD_INT, NULL, 0,                                                                \
         "Write only when this is the policy's version; -1: only when there is none."},            \
        {"cas_required", FIELD_BOOL, "false", 0, "Later writes must give cas."},                   \
        {"expiration", FIELD_STRING, NULL, 0, "Not supported: refused."},                          \
        {"ttl", FIELD_STRING, NULL, 0, "Not supported: refused."},                                 \
        {"allow_slashes_in_identity_templates", FIELD_BOOL, "false", 0,                            \
         "Values in templates may hold /."},                                                       \
    {                                                                                              \
        "allow_wildcards_in_identity_templates", FIELD_BOOL, "false", 0,                           \
            "Values in templates may hold * and +."                                                \
    }

static const struct field policy_fields[] = {COMMON_FIELDS, {0}};
static const struct field legacy_fields[] = {
    COMMON_FIELDS,
    {"rules", FIELD_STRING, NULL, FIELD_DEPRECATED, "Former name of policy."},
    {0},
};

const struct route sys_policy_routes[] = {
    {.pattern = "policies/acl/?",
     .list = list_policies,
     .summary = "List the names of the ACL policies."},
    {.pattern = "policies/acl/{name*}",
     .fields = policy_fields,
     .read = read_policy,
     .list = list_folder,
     .update = put_policy,
     .patch = patch_policy,
     .remove = delete_policy,
     .summary = "Create, read, change and delete an ACL policy."},
    {.pattern = "policy/?",
     .flags = ROUTE_TOP,
     .read = list_legacy,
     .list = list_legacy,
     .summary = "List the names of the ACL policies (older path)."},
    {.pattern = "policy/{name*}",
     .fields = legacy_fields,
     .flags = ROUTE_TOP,
     .read = read_legacy,
     .update = put_legacy,
     .remove = delete_policy,
     .summary = "Create, read, change and delete an ACL policy (older path)."},
    {0},
};
