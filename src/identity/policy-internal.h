// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_POLICY_INTERNAL_H
#define IDENTITY_POLICY_INTERNAL_H
// How a policy's tree becomes rules: what the parts of that share.
//
// Messages are those of the real server, its type names included: clients and people search for
// them. Where it says line 0 of a block, we say the line.

#include "identity/acl-internal.h"

struct policy_maker {
    struct arena *arena; // the rules'
    struct fault *fault;
    const struct hcl_item *block; // path "..." { ... }
    struct acl_rule *rule;        // of that block
};

enum { POLICY_FAULT_BYTES = FAULT_TEXT_MAX * 2 };

// Sets the fault, `path "a": ` before it / twice before it, as the real server has it. Gives
// POLICY_E_TEXT.
int policy_say(const struct policy_maker *m, const char *format, ...) PRINTF_LIKE(2, 3);
int policy_say_twice(const struct policy_maker *m, const char *format, ...) PRINTF_LIKE(2, 3);

// Appends a text in quotes, what can't be read escaped.
void policy_add_quoted(struct buf *out, struct str s);

// Appends what is said of the keys of an object that are not among `names` ("1 error occurred: ..."
// with a line for each); nothing when all are.
void policy_check_keys(const struct hcl_value *object, const char *const *names, size_t n,
                       struct buf *out);

// "LiteralType", "ListType", "ObjectType".
const char *policy_type_name(const struct hcl_value *v);

// One block of a policy. Outcomes: 0; POLICY_E_TEXT; -ENOMEM.
int policy_make_path(struct policy_maker *m) MUST_USE;

// Readers of one key's value into m->rule. Outcomes as above.
int policy_read_duration(const struct policy_maker *m, const struct hcl_item *item,
                         int64_t *ret_ms) MUST_USE;
int policy_read_expiration(const struct policy_maker *m, const struct hcl_item *item) MUST_USE;
int policy_read_limit(const struct policy_maker *m, const struct hcl_item *item) MUST_USE;
int policy_read_control(const struct policy_maker *m, const struct hcl_item *item) MUST_USE;

// Appends the elements of a list to what is in `into`. Outcomes: 0; -ENOMEM.
int policy_read_texts(const struct policy_maker *m, const struct hcl_item *item,
                      struct list *into) MUST_USE;

// A duration as Vault takes it: seconds, or "1h30m". Appends what is wrong with it. False then.
bool policy_duration(const struct hcl_value *v, int64_t *ret_ms, struct buf *wrong);

#endif
