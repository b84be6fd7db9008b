// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_ACL_H
#define IDENTITY_ACL_H
// May this caller do this? (reference 5.5, 5.6, 3.1, and 9 where that is silent). Pure functions
// over a snapshot; any thread.

#include "identity/list.h"
#include "identity/policy.h"
#include "json/read.h"

struct entity;

// Bits of capabilities, in the alphabetical order of their names.
enum {
    ACL_CREATE = 1,
    ACL_DELETE = 2,
    ACL_DENY = 4,
    ACL_LIST = 8,
    ACL_PATCH = 16,
    ACL_READ = 32,
    ACL_SCAN = 64,
    ACL_SUDO = 128,
    ACL_UPDATE = 256,
};

// Who asks, as far as the rules care.
struct acl_caller {
    const struct state *state;
    struct list policies;          // of the token, and
    struct list identity_policies; // of its entity, now
    const struct entity *entity;   // for templates; NULL: none
    bool root;                     // the root policy is among them
    int64_t now_ms;                // rules and policies may expire
};

// What the winning rule of all the caller's policies says of a path (without v1/). No rule:
// capabilities 0. `{0}` is a valid one that allows nothing.
struct acl_verdict {
    unsigned capabilities; // union over the policies that have the winning pattern; ACL_DENY alone
                           // when one denies
    unsigned controlled;   // what a control group would have to approve: left out of capabilities,
                           // because there are none here, but named by acl_capabilities
    bool matched;
    bool bad_template;      // a value holds what it may not (see acl_decide): ACL_DENY
    struct buf mfa_methods; // packed list (identity/list.h), duplicates removed; united
    int64_t min_wrapping_ms, max_wrapping_ms; // 0: none
    int64_t list_limit;                       // pagination_limit; 0: none
    struct buf constraints; // for acl_check_parameters: the rules that have any, borrowed
};

// `list`: the operation is a list or scan (reference 5.6, points 1 and 3).
//
// A rule whose template has no value does not count. When a value of any of the caller's templates
// holds a wildcard (or a slash) and its policy does not allow that, everything is denied, whatever
// the path: the rule could be one that denies or restricts. (OpenBao: 400 "Forbidden".)
//
// Allocates only for templates near the path, and for rules with mfa_methods or parameters.
// Outcomes: 0, ret needs acl_verdict_fini; -ENOMEM.
int acl_decide(const struct acl_caller *caller, struct str path, bool list,
               struct acl_verdict *ret) MUST_USE;
void acl_verdict_fini(struct acl_verdict *v);
DEFINE_AUTO_FINI(acl_verdict)

// allowed_parameters, denied_parameters, required_parameters against what came with a read, create,
// update or patch: its body, or a read's query (other operations are not asked: reference 9).
// `data` NULL: nothing came.
bool acl_check_parameters(const struct acl_verdict *v, const struct json *data);

// min_wrapping_ttl, max_wrapping_ttl against the X-Vault-Wrap-TTL of any operation; 0: not sent.
bool acl_check_wrapping(const struct acl_verdict *v, int64_t wrap_ttl_s);

// pagination_limit against the `limit` of a list or scan. `data`: its query; NULL: none.
bool acl_check_limit(const struct acl_verdict *v, const struct json *data);

// sys/capabilities: appends the sorted names as packed list: ["root"], ["deny"], ["read","sudo"].
// A path that ends with a slash is asked as a list. Outcomes: 0; -ENOMEM.
int acl_capabilities(const struct acl_caller *caller, struct str path, struct buf *out) MUST_USE;

// Whether a rule gives anything at or below `prefix`, a mount's path: "kv/" (also at "kv"). What
// sys/internal/ui/mounts shows. A rule that denies or gives nothing shows nothing (OpenBao shows
// the mount then, too). Walks all the caller's rules. No memory: false.
bool acl_sees(const struct acl_caller *caller, struct str prefix);

// sys/internal/ui/resultant-acl: appends {"exact_paths":{...},"glob_paths":{...},"root":false}, or
// {"root":true}. As OpenBao, without rules that have a segment wildcard. Outcomes: 0; -ENOMEM.
int acl_write_resultant(const struct acl_caller *caller, struct buf *out) MUST_USE;

#endif
