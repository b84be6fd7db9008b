// SPDX-License-Identifier: Apache-2.0
// sys/auth: enabling, reading, tuning and disabling auth methods (reference 5.1). All but the list
// need sudo, as in Vault.
#include "api/sys-mount.h"

static int list_auth(struct call *c) {
    struct buf *data = call_data(c);
    sys_mount_entries(c, true, data);
    json_close(data, '}');
    return 0;
}

static int enable_auth(struct call *c) { return sys_mount_enable(c, true); }

static int read_auth(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "auth/", &memory);
    if (r < 0) return r;
    struct str path = buf_str(&memory);
    const struct mount *m = mount_at(c->state, path);
    if (!m)
        return call_error(c, 400, "No auth engine at %.*s",
                          STR_ARG(str_sub(path, strlen("auth/"), path.n)));
    struct buf *data = call_data(c);
    sys_mount_members(c, m, data);
    json_close(data, '}');
    return 0;
}

static int disable_auth(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "auth/", &memory);
    if (r < 0) return r;
    const struct mount *m = mount_at(c->state, buf_str(&memory));
    if (m && m->type == MOUNT_TOKEN)
        return call_error(c, 400, "token credential backend cannot be disabled");
    r = m ? mount_remove(c->draft, m) : 0;
    if (r < 0) return r;
    return call_no_content(c);
}

static int tune_auth(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "auth/", &memory);
    return r < 0 ? r : sys_mount_tune(c, buf_str(&memory));
}

static int read_tuned_auth(struct call *c) {
    AUTO_FINI(buf) struct buf memory = buf_make(SYS_LIST_MAX_BYTES);
    int r = sys_mount_path(c, "auth/", &memory);
    return r < 0 ? r : sys_mount_read_tuned(c, buf_str(&memory));
}

const struct route sys_auth_routes[] = {
    {.pattern = "auth", .flags = ROUTE_TOP, .read = list_auth, .summary = "List the auth methods."},
    {.pattern = "auth/{path*}/tune",
     .fields = sys_mount_tune_fields,
     .flags = ROUTE_TOP | ROUTE_SUDO,
     .read = read_tuned_auth,
     .update = tune_auth,
     .summary = "Read and change how an auth method behaves."},
    {.pattern = "auth/{path*}",
     .fields = sys_mount_enable_fields,
     .flags = ROUTE_TOP | ROUTE_SUDO,
     .read = read_auth,
     .update = enable_auth,
     .remove = disable_auth,
     .summary = "Enable, read and disable an auth method at a path.",
     .description =
         "Disabling revokes the tokens of its logins and takes its users with it; aliases "
         "stay."},
    {0},
};
