// SPDX-License-Identifier: Apache-2.0
// sys/mounts: enabling, reading, tuning and disabling backends (reference 5.1). sys/auth is the
// same below auth/; what both need is here.
#include <errno.h>

#include "api/sys-mount.h"
#include "base/parse.h"

int sys_mount_path(const struct call *c, const char *prefix, struct buf *out) {
    struct str path = call_str(c, "path");
    while (str_ends(path, STR("/"))) path.n--;
    buf_addz(out, prefix);
    buf_add_str(out, path);
    if (path.n) buf_addc(out, '/');
    return out->error;
}

static bool is_protected(struct str path) {
    static const char *const prefixes[] = {"auth/", "sys/", "identity/", "cubbyhole/", "audit/"};
    for (size_t i = 0; i < LEN(prefixes); i++)
        if (str_starts(path, str_from(prefixes[i]))) return true;
    return false;
}

// The mount that a new one at `path` would be in the way of: above it, or below it; NULL.
static const struct mount *in_the_way(const struct state *s, struct str path) {
    const struct mount *above = mount_of(s, path);
    if (above) return above;
    struct tree_walk walk = state_from(s, RECORD_MOUNT, 0, (struct tree_key){path, STR_NONE});
    const struct mount *below = tree_next(&walk);
    return below && str_starts(below->path, path) ? below : NULL;
}

// Types by the name that a request gives them.
static const struct type_row {
    const char *name;
    const char *shown; // as sys/mounts shows it
    enum mount_type type;
    const char *version; // of key/value, when the name says it
    bool auth;
} type_rows[] = {
    {"kv", "kv", MOUNT_KV, NULL, false},
    {"kv-v1", "kv", MOUNT_KV, "1", false},
    {"kv-v2", "kv", MOUNT_KV, "2", false},
    {"generic", "generic", MOUNT_KV, NULL, false},
    {"userpass", "userpass", MOUNT_USERPASS, NULL, true},
};

static const struct type_row *type_of(struct str name, bool auth) {
    for (size_t i = 0; i < LEN(type_rows); i++)
        if (type_rows[i].auth == auth && str_eqz(name, type_rows[i].name)) return &type_rows[i];
    return NULL;
}

static int refuse_type(struct call *c, struct str type, bool auth) {
    static const char *const core[] = {"system",    "identity",    "cubbyhole",
                                       "ns_system", "ns_identity", "ns_cubbyhole"};
    if (auth && (str_eqz(type, "token") || str_eqz(type, "ns_token")))
        return call_error(c, 400, "token credential backend cannot be instantiated");
    for (size_t i = 0; !auth && i < LEN(core); i++)
        if (str_eqz(type, core[i]))
            return call_error(c, 400, "mount type of \"%.*s\" is not mountable", STR_ARG(type));
    return call_error(c, 400, "plugin not found in the catalog: %.*s", STR_ARG(type));
}

// Every backend is built in, and of one version.
static int refuse_version(struct call *c, struct str type) {
    return call_error(c, 400, "plugin not found in the catalog: %.*s, version=%.*s", STR_ARG(type),
                      STR_ARG(call_str(c, "plugin_version")));
}

// Which version of key/value is asked for: its name or its option says it. True: one that is
// served.
static bool version_fits(struct call *c, const struct type_row *row, struct list options) {
    struct str version = list_value(options, STR("version"));
    if (row->version) version = str_from(row->version);
    if (row->type != MOUNT_KV || !version.n || str_eqz(version, "1")) return true;
    if (str_eqz(version, "2"))
        call_error(c, 400,
                   "only version 1 of the key/value store is served: enable it with "
                   "options={\"version\":\"1\"}");
    else call_error(c, 400, "nil backend of type \"kv\" returned from factory");
    return false;
}

// Options as they will be kept: never absent; with the version that the type's name says.
static struct list options_of(struct sys_mount_wish *w, const struct call *c,
                              const struct type_row *row) {
    struct list options = call_list(c, "options");
    if (row->version && list_is_empty(options)) {
        struct buf *packed = sys_mount_room(w);
        list_add(packed, STR("version"));
        list_add(packed, str_from(row->version));
        return list_of(packed);
    }
    return options.packed.p ? options : (struct list){STR("")};
}

// The rest of a wish that may be granted, and the wish granted.
static int enable(struct call *c, struct sys_mount_wish *w, const struct type_row *row) {
    struct mount *m = &w->mount;
    struct buf *uuid = sys_mount_room(w);
    struct buf *accessor = sys_mount_room(w);
    int r = mount_new_uuid(uuid);
    if (r == 0) r = mount_new_accessor(accessor, str_from(row->shown), row->auth);
    if (r < 0) return r;
    m->type = row->type;
    m->shown_type = str_from(row->shown);
    m->uuid = buf_str(uuid);
    m->accessor = buf_str(accessor);
    m->description = call_str(c, "description");
    m->options = options_of(w, c, row);
    m->local = call_bool(c, "local");
    m->seal_wrap = call_bool(c, "seal_wrap");
    m->external_entropy = call_bool(c, "external_entropy_access");
    r = sys_mount_put(c->draft, w);
    if (r < 0) return r;
    return call_no_content(c);
}

int sys_mount_enable(struct call *c, bool auth) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(sys_mount_wish) struct sys_mount_wish w;
    sys_mount_wish_init(&w);
    struct str type = call_str(c, "type");
    int r = sys_mount_path(c, auth ? "auth/" : "", &memory);
    if (r < 0) return r;
    struct str path = buf_str(&memory);
    w.mount.path = path;
    w.mount.token_type = auth ? STR("default-service") : STR("");
    if (!type.n) return call_error(c, 400, "backend type must be specified as a string");
    struct fault fault = {0};
    r = sys_mount_read_config(&w, call_json(c, "config"), auth, &fault);
    if (r < 0) return r;
    if (r == SYS_MOUNT_E_REFUSED) return call_error(c, 400, "%s", fault.text);
    if (!auth && is_protected(path))
        return call_error(c, 400, "cannot mount \"%.*s\"", STR_ARG(path));
    const struct mount *other = in_the_way(c->state, path);
    if (other) {
        struct str taken = str_sub(other->path, auth ? strlen("auth/") : 0, other->path.n);
        return call_error(c, 400, "path is already in use at %.*s", STR_ARG(taken));
    }
    const struct type_row *row = type_of(type, auth);
    if (!row) return refuse_type(c, type, auth);
    if (call_str(c, "plugin_version").n) return refuse_version(c, type);
    if (!version_fits(c, row, call_list(c, "options"))) return 0;
    return enable(c, &w, row);
}

int sys_mount_tune(struct call *c, struct str mount_path) {
    AUTO_FINI(sys_mount_wish) struct sys_mount_wish w;
    sys_mount_wish_init(&w);
    const struct mount *m = mount_at(c->state, mount_path);
    if (!m)
        return call_error(c, 400, "tune of path \"%.*s\" failed: no mount entry found",
                          STR_ARG(mount_path));
    if (call_str(c, "plugin_version").n) return refuse_version(c, m->shown_type);
    w.mount = *m;
    struct fault fault = {0};
    int r = sys_mount_read_tune(&w, c, &fault);
    if (r < 0) return r;
    if (r == SYS_MOUNT_E_REFUSED) return call_error(c, 400, "%s", fault.text);
    r = sys_mount_put(c->draft, &w);
    if (r < 0) return r;
    return call_no_content(c);
}

int sys_mount_read_tuned(struct call *c, struct str mount_path) {
    const struct mount *m = mount_at(c->state, mount_path);
    if (!m)
        return call_error(c, 400, "cannot fetch sysview for path \"%.*s\"", STR_ARG(mount_path));
    struct buf *data = call_data(c);
    sys_mount_tuned(m, data);
    json_close(data, '}');
    return 0;
}

static int list_mounts(struct call *c) {
    struct buf *data = call_data(c);
    sys_mount_entries(c, false, data);
    json_close(data, '}');
    return 0;
}

static int enable_mount(struct call *c) { return sys_mount_enable(c, false); }

static int read_mount(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "", &memory);
    if (r < 0) return r;
    struct str path = buf_str(&memory);
    const struct mount *m = mount_at(c->state, path);
    if (!m) return call_error(c, 400, "No secret engine mount at %.*s", STR_ARG(path));
    struct buf *data = call_data(c);
    sys_mount_members(c, m, data);
    json_close(data, '}');
    return 0;
}

static int disable_mount(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "", &memory);
    if (r < 0) return r;
    struct str path = buf_str(&memory);
    if (is_protected(path)) return call_error(c, 400, "cannot unmount \"%.*s\"", STR_ARG(path));
    const struct mount *m = mount_at(c->state, path);
    r = m ? mount_remove(c->draft, m) : 0;
    if (r < 0) return r;
    return call_no_content(c);
}

static int tune_mount(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "", &memory);
    return r < 0 ? r : sys_mount_tune(c, buf_str(&memory));
}

static int read_tuned_mount(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "", &memory);
    return r < 0 ? r : sys_mount_read_tuned(c, buf_str(&memory));
}

// A move would have to carry along every lease, policy and alias; nobody has asked for it.
static int refuse_remount(struct call *c) {
    if (!call_str(c, "from").n || !call_str(c, "to").n)
        return call_error(c, 400, "both 'from' and 'to' path must be specified as a string");
    return call_error(c, 400,
                      "moving a mount is not supported: enable one at \"%.*s\" and copy what "
                      "is needed",
                      STR_ARG(call_str(c, "to")));
}

const struct field sys_mount_enable_fields[] = {
    {"path", FIELD_STRING, NULL, FIELD_REQUIRED, "Path of the mount, for example \"secret\"."},
    {"type", FIELD_STRING, NULL, FIELD_REQUIRED, "Type of the backend: kv, or userpass for auth."},
    {"description", FIELD_STRING, NULL, 0, "For people."},
    {"config", FIELD_MAP, NULL, 0,
     "default_lease_ttl, max_lease_ttl, force_no_cache, listing_visibility, token_type, "
     "audit_non_hmac_request_keys, audit_non_hmac_response_keys, passthrough_request_headers, "
     "allowed_response_headers, user_lockout_config."},
    {"options", FIELD_PAIRS, NULL, 0, "Options of the backend: version=1 for kv."},
    {"local", FIELD_BOOL, "false", 0, "Kept for clients; there is one server."},
    {"seal_wrap", FIELD_BOOL, "false", 0, "Kept for clients; every record is sealed."},
    {"external_entropy_access", FIELD_BOOL, "false", 0, "Kept for clients."},
    {"plugin_name", FIELD_STRING, NULL, FIELD_DEPRECATED, "Kept for clients."},
    {"plugin_version", FIELD_STRING, NULL, 0, "Refused unless empty: every backend is built in."},
    {0},
};

const struct field sys_mount_tune_fields[] = {
    {"path", FIELD_STRING, NULL, FIELD_REQUIRED, "Path of the mount, for example \"secret\"."},
    {"default_lease_ttl", FIELD_STRING, NULL, 0,
     "How long tokens live when nothing else is said: a duration, or \"system\"."},
    {"max_lease_ttl", FIELD_STRING, NULL, 0,
     "How long tokens live at most: a duration, or \"system\"."},
    {"description", FIELD_STRING, NULL, 0, "For people."},
    {"listing_visibility", FIELD_STRING, NULL, 0,
     "\"unauth\": sys/internal/ui/mounts shows it without a token; \"hidden\" or \"\": not."},
    {"token_type", FIELD_STRING, NULL, 0,
     "Kind of the tokens of an auth mount: default-service, default-batch, service, batch."},
    {"options", FIELD_PAIRS, NULL, 0, "Options of the backend, laid over those that are there."},
    {"user_lockout_config", FIELD_MAP, NULL, 0,
     "lockout_threshold, lockout_duration, lockout_counter_reset_duration, lockout_disable."},
    {"audit_non_hmac_request_keys", FIELD_COMMAS, NULL, 0, "Kept for clients."},
    {"audit_non_hmac_response_keys", FIELD_COMMAS, NULL, 0, "Kept for clients."},
    {"passthrough_request_headers", FIELD_COMMAS, NULL, 0, "Kept for clients."},
    {"allowed_response_headers", FIELD_COMMAS, NULL, 0, "Kept for clients."},
    {"plugin_version", FIELD_STRING, NULL, 0, "Refused unless empty: every backend is built in."},
    {0},
};

static const struct field remount_fields[] = {
    {"from", FIELD_STRING, NULL, FIELD_REQUIRED, "Path of the mount."},
    {"to", FIELD_STRING, NULL, FIELD_REQUIRED, "Where it is to go."},
    {0},
};

const struct route sys_mount_routes[] = {
    {.pattern = "mounts",
     .flags = ROUTE_TOP,
     .read = list_mounts,
     .summary = "List the mounts of secrets and of the system."},
    {.pattern = "mounts/{path*}/tune",
     .fields = sys_mount_tune_fields,
     .flags = ROUTE_TOP,
     .read = read_tuned_mount,
     .update = tune_mount,
     .summary = "Read and change how a mount behaves."},
    {.pattern = "mounts/{path*}",
     .fields = sys_mount_enable_fields,
     .flags = ROUTE_TOP,
     .read = read_mount,
     .update = enable_mount,
     .remove = disable_mount,
     .summary = "Enable, read and disable a backend at a path.",
     .description = "Disabling takes everything with it that lies below the path."},
    {.pattern = "remount",
     .fields = remount_fields,
     .flags = ROUTE_TOP | ROUTE_SUDO,
     .update = refuse_remount,
     .summary = "Move a mount to another path: refused here."},
    {0},
};
