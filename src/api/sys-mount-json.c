// SPDX-License-Identifier: Apache-2.0
// How a mount is shown: sys/mounts, sys/auth, their tune, and the lists for user interfaces.
#include "api/control.h"
#include "api/sys-mount.h"

static bool has_items(struct list l) { return !list_is_empty(l); }

static void add_lists(const struct mount *m, struct buf *out) {
    const struct {
        const char *key;
        struct list list;
    } lists[] = {
        {"audit_non_hmac_request_keys", m->audit_request_keys},
        {"audit_non_hmac_response_keys", m->audit_response_keys},
        {"passthrough_request_headers", m->passthrough_headers},
        {"allowed_response_headers", m->allowed_headers},
    };
    for (size_t i = 0; i < LEN(lists); i++)
        if (has_items(lists[i].list)) call_texts(out, lists[i].key, lists[i].list);
    if (m->listing_visibility.n) call_member(out, "listing_visibility", m->listing_visibility);
    if (mount_is_auth(m)) call_member(out, "token_type", m->token_type);
}

static void add_config(const struct mount *m, struct buf *out) {
    json_key(out, STR("config"));
    json_open(out, '{');
    call_number(out, "default_lease_ttl", m->default_ttl_s);
    call_flag(out, "force_no_cache", m->force_no_cache);
    call_number(out, "max_lease_ttl", m->max_ttl_s);
    add_lists(m, out);
    if (m->user_lockout.n) {
        json_key(out, STR("user_lockout_config"));
        json_add_raw(out, m->user_lockout);
    }
    json_close(out, '}');
}

// Backends that a catalogue would list; the others are part of the core.
static bool is_plugin(const struct mount *m) {
    return m->type == MOUNT_USERPASS || (m->type == MOUNT_KV && str_eqz(m->shown_type, "kv"));
}

// Everything is built in, so the version of all of them is the server's.
static void add_versions(const struct call *c, const struct mount *m, struct buf *out) {
    struct control_status status;
    control_status(c->gate, &status);
    struct str rest = str_from(status.version);
    struct str plain = str_split(&rest, '+');
    if (is_plugin(m)) call_member(out, "deprecation_status", STR("supported"));
    call_member(out, "plugin_version", STR(""));
    json_key(out, STR("running_plugin_version"));
    AUTO_FINI(buf) struct buf version = buf_make(SYS_TEXT_MAX_BYTES);
    buf_addf(&version, "v%.*s+builtin", STR_ARG(plain));
    json_add_text(out, buf_str(&version));
    if (version.error && !out->error) out->error = version.error;
    call_member(out, "running_sha256", STR(""));
}

void sys_mount_members(const struct call *c, const struct mount *m, struct buf *out) {
    call_member(out, "accessor", m->accessor);
    add_config(m, out);
    call_member(out, "description", m->description);
    call_flag(out, "external_entropy_access", m->external_entropy);
    call_flag(out, "local", m->local);
    call_pairs(out, "options", m->options);
    call_flag(out, "seal_wrap", m->seal_wrap);
    call_member(out, "type", m->shown_type);
    call_member(out, "uuid", m->uuid);
    add_versions(c, m, out);
}

void sys_mount_entries(const struct call *c, bool auth, struct buf *out) {
    struct tree_walk walk =
        state_from(c->state, RECORD_MOUNT, 0, (struct tree_key){STR(""), STR_NONE});
    const struct mount *m;
    while ((m = tree_next(&walk))) {
        if (mount_is_auth(m) != auth) continue;
        json_key(out, str_sub(m->path, auth ? strlen("auth/") : 0, m->path.n));
        json_open(out, '{');
        sys_mount_members(c, m, out);
        json_close(out, '}');
    }
}

// An object's members without its braces.
static struct str inside(struct str object) { return str_sub(object, 1, object.n - 1); }

void sys_mount_tuned(const struct mount *m, struct buf *out) {
    call_number(out, "default_lease_ttl", mount_default_ttl_s(m));
    call_member(out, "description", m->description);
    call_flag(out, "force_no_cache", m->force_no_cache);
    call_number(out, "max_lease_ttl", mount_max_ttl_s(m));
    if (m->external_entropy) call_flag(out, "external_entropy_access", true);
    if (has_items(m->options)) call_pairs(out, "options", m->options);
    add_lists(m, out);
    if (m->user_lockout.n) {
        json_comma(out);
        buf_add_str(out, inside(m->user_lockout));
    }
}
