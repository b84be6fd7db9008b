// SPDX-License-Identifier: Apache-2.0
// sys/mfa/method: named MFA methods (reference 2). Only Okta's are there; a list of one type is no
// path, as in Vault.
#include "api/sys.h"

#include "mfa/method.h"

static struct str given(const struct call *c, const char *field) {
    return call_has(c, field) ? call_str(c, field) : STR_NONE;
}

static int put_method(struct call *c) {
    const struct method_write w = {
        .name = call_str(c, "name"),
        .mount_accessor = given(c, "mount_accessor"),
        .username_format = given(c, "username_format"),
        .org_name = given(c, "org_name"),
        .api_token = given(c, "api_token"),
        .base_url = given(c, "base_url"),
        .has_production = call_has(c, "production"),
        .production = call_bool(c, "production"),
        .primary_email = call_bool(c, "primary_email"),
        .okta_source = given(c, "okta_source"),
        .remember_s = call_int(c, "remember"),
        .number_matching = call_bool(c, "number_matching"),
        .share_challenge = call_bool(c, "share_challenge"),
    };
    struct fault fault = {0};
    int r = method_put(c->draft, &w, &fault);
    if (r < 0) return r;
    if (r == METHOD_E_REFUSED) return call_error(c, 400, "%s", fault.text);
    return call_no_content(c);
}

// Vault's documentation shows api_token, its code withholds it: here it takes sudo (design decision
// 8).
static bool may_see_token(const struct call *c) {
    return c->caller.root || (c->verdict.capabilities & ACL_SUDO);
}

static int read_method(struct call *c) {
    const struct method *m = method_get(c->state, call_str(c, "name"));
    if (!m) return call_not_found(c);
    c->reply.has_data = true;
    method_write_json(m, may_see_token(c), &c->reply.data);
    return 0;
}

// Policies keep the name: what they protect stays closed until there is a method of that name
// again.
static int delete_method(struct call *c) {
    const struct method *m = method_get(c->state, call_str(c, "name"));
    int r = m ? draft_delete(c->draft, m) : 0;
    if (r < 0) return r;
    return call_no_content(c);
}

static int list_methods(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    struct tree_walk walk =
        state_from(c->state, RECORD_METHOD, 0, (struct tree_key){STR(""), STR_NONE});
    const struct method *m;
    while ((m = tree_next(&walk))) {
        json_comma(&keys);
        json_add_text(&keys, m->name);
    }
    if (keys.error) return keys.error;
    return call_keys(c, buf_str(&keys), STR_NONE);
}

static const struct field okta_fields[] = {
    {"name", FIELD_NAME, NULL, FIELD_REQUIRED, "Name of the method, unique over all types."},
    {"mount_accessor", FIELD_STRING, NULL, FIELD_REQUIRED,
     "Accessor of the auth mount whose aliases name the users of this method. Needed at the first "
     "write; kept when a later one leaves it out."},
    {"username_format", FIELD_STRING, NULL, 0,
     "How a user's name in Okta is made from the entity or alias, for example "
     "\"{{alias.name}}@example.com\". Empty: the alias's name. Kept when left out."},
    {"org_name", FIELD_STRING, NULL, FIELD_REQUIRED,
     "Name of the Okta organisation: what stands before base_url in its address."},
    {"api_token", FIELD_STRING, NULL, FIELD_REQUIRED | FIELD_SECRET, "Okta API token."},
    {"base_url", FIELD_STRING, "\"okta.com\"", 0,
     "Domain of the organisation: okta.com, oktapreview.com, okta-emea.com or another."},
    {"primary_email", FIELD_BOOL, "false", 0,
     "The user's name is matched with the primary e-mail address instead of the login."},
    {"production", FIELD_BOOL, "true", FIELD_DEPRECATED,
     "Without base_url: okta.com when true, oktapreview.com when false."},
    {"okta_source", FIELD_STRING, NULL, 0,
     "Beyond Vault: name of a configured source whose org and credentials are used, so that no API "
     "token is needed. Instead of org_name, base_url and api_token."},
    {"remember", FIELD_DURATION, "0", 0,
     "Beyond Vault: how long a pass counts for the same token and client address. 0: for one "
     "request."},
    {"number_matching", FIELD_BOOL, "false", 0,
     "Beyond Vault: every push asks for a number, which the caller is shown in a 403 that says how "
     "to go on."},
    {"share_challenge", FIELD_BOOL, "false", 0,
     "Beyond Vault: requests of one token that come while its push is out wait for that push, "
     "instead of being refused."},
    {0},
};

static const struct field list_fields[] = {{0}};

const struct route sys_mfa_routes[] = {
    {.pattern = "mfa/method/okta/{name}",
     .fields = okta_fields,
     .read = read_method,
     .update = put_method,
     .remove = delete_method,
     .summary = "Create, read, update and delete MFA methods that ask for an Okta push.",
     .description = "A write replaces the method: only mount_accessor and username_format survive "
                    "being left out. Nothing is asked of Okta. api_token is shown only to callers "
                    "with the sudo capability on this path."},
    {.pattern = "mfa/method/?",
     .fields = list_fields,
     .list = list_methods,
     .summary = "List the names of all MFA methods."},
    {0},
};
