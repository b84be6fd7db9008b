// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_POLICY_H
#define IDENTITY_POLICY_H
// ACL policies: their text, and the rules that it says (Vault: sys/policies/acl; reference 5.5).
// The text is parsed once, when the record is made; rules are immutable and live with it.

#include "identity/state.h"

struct policy_rules; // parsed; identity/acl.h decides with them

struct policy {
    struct record record;
    struct str name; // lower case; primary key
    struct str text; // as it was written
    int64_t modified_ms;
    int64_t version;
    int64_t expires_ms; // from then on as if it were not there; 0: never
    bool cas_required;
    // What the values of templates may hold (identity/acl.h, acl_decide).
    bool allow_slashes, allow_wildcards;
    struct policy_rules *rules; // owned
};
extern const struct record_type policy_type;

// Makes a record of what `want` says (its texts are borrowed; head and rules are filled in), after
// parsing its text: HCL, or JSON. Outcomes: 0, one reference; POLICY_E_TEXT with fault, worded as
// Vault words it after "failed to parse policy: " ("At 1:12: object expected closing RBRACE got:
// EOF", `path "x": path "x": invalid capability "y"`); -ENOMEM.
enum { POLICY_E_TEXT = 1 };
int policy_make_from(struct policy **ret, const struct policy *want, struct fault *fault) MUST_USE;
// The same, first version, with name and text alone.
int policy_make(struct policy **ret, struct str name, struct str text, int64_t now_ms,
                struct fault *fault) MUST_USE;

// The rules alone. Outcomes as policy_make_from.
int policy_rules_parse(struct policy_rules **ret, struct str text, struct fault *fault) MUST_USE;
struct policy_rules *policy_rules_free(struct policy_rules *r);
DEFINE_AUTO_FREE(policy_rules)

const struct policy *policy_get(const struct state *s, struct str lower_name); // NULL
extern const char policy_default_text[];                                       // reference 5.7
extern const char policy_response_wrapping_text[]; // what a wrapping token may do

#endif
