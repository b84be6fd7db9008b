// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_ACL_INTERNAL_H
#define IDENTITY_ACL_INTERNAL_H
// Rules as they stand in a policy, and what the parts of the ACL share.

#include "identity/acl.h"
#include "identity/hcl.h"
#include "identity/template.h"

// A parameter of allowed_ or denied_parameters.
struct acl_parameter {
    struct str name;                // lower case
    const struct hcl_value *values; // any of them; NULL: whatever it is
    struct acl_parameter *next;
};

// Where a rule stands among a policy's rules. Exact and prefix rules are found by bisection.
enum acl_class { ACL_EXACT, ACL_PREFIX, ACL_SEGMENTS, ACL_TEMPLATE, ACL_CLASSES };

struct acl_rule {
    struct str pattern; // without the slash before it and the star behind it; of a template: whole
    bool prefix;        // it ended with a star
    enum acl_class class;
    const struct template *template; // NULL: none
    unsigned capabilities, controlled;
    int64_t expires_ms;                                   // ACL_NEVER: never
    int64_t min_wrapping_ms, max_wrapping_ms, list_limit; // 0: none
    struct list mfa_methods;
    struct acl_parameter *allowed, *denied; // NULL: none
    struct list required;
};
#define ACL_NEVER INT64_MAX

struct policy_rules {
    struct arena arena; // of everything below
    struct acl_rule *rules;
    size_t start[ACL_CLASSES + 1]; // rules[start[c]] .. rules[start[c + 1]] are those of class c,
                                   // by pattern
};

// "a/b*" -> "a/b", prefix.
struct acl_shape {
    struct str pattern;
    bool prefix;
    bool segments;
};
struct acl_shape acl_shape_of(struct str text);

// The caller's policies: those that are there and have not expired, each once.
enum { ACL_POLICIES_INLINE = 24 };
struct acl_policies {
    const struct policy *few[ACL_POLICIES_INLINE];
    const struct policy **all; // `few`, or malloc'ed
    size_t n;
};
int acl_policies_find(const struct acl_caller *caller, struct acl_policies *ret) MUST_USE;
void acl_policies_fini(struct acl_policies *p);
DEFINE_AUTO_FINI(acl_policies)

static inline bool acl_is_live(const struct acl_rule *r, int64_t now_ms) {
    return r->expires_ms > now_ms;
}

// Unites a rule into a verdict, which begins as nothing; after the last one, settle. Failures stick
// in the verdict's buffers.
void acl_merge(struct acl_verdict *v, const struct acl_rule *rule);
struct acl_verdict acl_nothing(void);
void acl_clear(struct acl_verdict *v);          // nothing again; keeps its memory
int acl_settle(struct acl_verdict *v) MUST_USE; // 0; -ENOMEM

// The names of capabilities, sorted.
struct acl_name {
    const char *name;
    unsigned bit;
};
extern const struct acl_name acl_names[];
extern const size_t acl_name_count;
unsigned acl_bit(struct str name); // 0: no capability

// Whether one value of allowed_ or denied_parameters means what a request has. Strings may begin or
// end with a star that stands for anything; numbers are compared as numbers.
bool acl_value_matches(const struct hcl_value *want, const struct json *have);
// A rule's value as JSON.
void acl_write_value(const struct hcl_value *v, struct buf *out);

// The rules that a verdict united and that have constraints.
static inline size_t acl_constraint_count(const struct acl_verdict *v) {
    return v->constraints.n / sizeof(const struct acl_rule *);
}
const struct acl_rule *acl_constraint(const struct acl_verdict *v, size_t i);

// Whether a value of a template holds what its policy forbids.
bool acl_has_bad_template(const struct acl_policies *policies, const struct acl_caller *caller);

#endif
