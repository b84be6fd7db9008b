// SPDX-License-Identifier: Apache-2.0
#ifndef API_SYS_H
#define API_SYS_H
// The system backend's rows, which lie in several files, and what these share. Each array ends with
// a row without a pattern; api/system.c makes one table of them.

#include "api/backends.h"
#include "api/call.h"
#include "identity/mount.h"

enum { SYS_LIST_MAX_BYTES = 64 << 20, SYS_TEXT_MAX_BYTES = 64 << 10 };

extern const struct route sys_mfa_routes[];       // mfa.c
extern const struct route sys_mount_routes[];     // sys-mounts.c
extern const struct route sys_auth_routes[];      // sys-auth.c
extern const struct route sys_policy_routes[];    // sys-policy.c
extern const struct route sys_lease_routes[];     // sys-leases.c
extern const struct route sys_tool_routes[];      // sys-tools.c
extern const struct route sys_key_routes[];       // sys-keys.c
extern const struct route sys_control_routes[];   // sys-control.c
extern const struct route sys_help_routes[];      // sys-help.c
extern const struct route sys_wrapping_routes[];  // wrapping.c
extern const struct route sys_lockout_routes[];   // sys-lockout.c
extern const struct route sys_guard_routes[];     // sys-guard.c
extern const struct route sys_challenge_routes[]; // sys-challenge.c

struct core;
// The body of an answer without envelope, opened for writing.
struct buf *sys_raw_data(struct call *c);
// What sys/seal-status says. `core`: of the newest state; NULL: sealed.
int sys_write_seal_status(struct call *c, const struct core *core) MUST_USE;

#endif
