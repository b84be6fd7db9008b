// SPDX-License-Identifier: Apache-2.0
// Which backend serves which kind of mount, and which kinds of records there are.
#include "api/backends.h"

#include "identity/core.h"
#include "identity/entity.h"
#include "identity/policy.h"
#include "identity/secret.h"
#include "identity/token.h"
#include "identity/user.h"
#include "mfa/guard.h"
#include "mfa/method.h"
#include "mfa/trail.h"

const struct backend *const api_backends[MOUNT_TYPES] = {
    [MOUNT_SYSTEM] = &backend_system,       [MOUNT_IDENTITY] = &backend_identity,
    [MOUNT_CUBBYHOLE] = &backend_cubbyhole, [MOUNT_TOKEN] = &backend_token,
    [MOUNT_USERPASS] = &backend_userpass,   [MOUNT_KV] = &backend_kv,
};

const struct state_schema api_schema = {{
    [RECORD_CORE] = &core_type,
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_POLICY] = &policy_type,
    [RECORD_TOKEN] = &token_type,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_USER] = &user_type,
    [RECORD_SECRET] = &secret_type,
    [RECORD_METHOD] = &method_type,
    [RECORD_MERGED] = &entity_merged_type,
    [RECORD_GUARD] = &guarded_type,
    [RECORD_CHALLENGE] = &attempt_type,
}};
