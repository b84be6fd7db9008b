// SPDX-License-Identifier: Apache-2.0
// The system backend: its rows lie by subject in files of their own. The most frequent come first.
#include "api/sys.h"

static const struct route *const more[] = {
    sys_tool_routes,
    sys_wrapping_routes,
    sys_lockout_routes,
    sys_guard_routes,
    sys_challenge_routes,
    sys_policy_routes,
    sys_mount_routes,
    sys_auth_routes,
    sys_control_routes,
    sys_key_routes,
    sys_lease_routes,
    sys_help_routes,
    NULL,
};

const struct backend backend_system = {
    .type = "system",
    .routes = sys_mfa_routes,
    .more = more,
    .help = "The server itself: mounts, policies, MFA methods, seal and health.",
};
