// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_IDENTITY_ACL_FIXTURE_H
#define TESTS_UNIT_IDENTITY_ACL_FIXTURE_H
// A state with policies, one entity and its alias, and a caller that has them. Include after
// cmocka.

#include "identity/acl.h"
#include "identity/entity.h"

#define FIXTURE_ACCESSOR "auth_userpass_0123abcd"
enum { FIXTURE_NOW_MS = 1700000000 }; // seconds; times 1000

static const struct state_schema fixture_schema = {.types = {
                                                       [RECORD_POLICY] = &policy_type,
                                                       [RECORD_ENTITY] = &entity_type,
                                                       [RECORD_ALIAS] = &alias_type,
                                                   }};

struct fixture {
    struct state *empty;
    struct draft draft;
    struct buf names; // of the policies
    struct acl_caller caller;
};

static inline void fixture_open(struct fixture *f) {
    *f = (struct fixture){.names = buf_make(1 << 20)};
    assert_int_equal(state_new(&f->empty, &fixture_schema), 0);
    assert_int_equal(draft_begin(&f->draft, f->empty), 0);
    f->caller.now_ms = (int64_t)FIXTURE_NOW_MS * 1000;
}

static inline void fixture_close(struct fixture *f) {
    draft_fini(&f->draft);
    f->empty = state_free(f->empty);
    buf_fini(&f->names);
}

// The caller, who has all that was put in so far.
static inline const struct acl_caller *fixture_caller(struct fixture *f) {
    f->caller.state = f->draft.state;
    f->caller.policies = list_of(&f->names);
    return &f->caller;
}

static inline void fixture_put(struct fixture *f, struct policy want) {
    struct policy *made = NULL;
    struct fault fault = {{0}};
    int r = policy_make_from(&made, &want, &fault);
    if (r) fail_msg("%.*s: %d %s", STR_ARG(want.text), r, fault.text);
    assert_int_equal(draft_put(&f->draft, made), 0);
    list_add(&f->names, want.name);
}

// A policy of that text; they are named p0, p1, ...
static inline void fixture_add(struct fixture *f, const char *text) {
    char name[32];
    snprintf(name, sizeof name, "p%zu", list_count(list_of(&f->names)));
    fixture_put(f, (struct policy){.name = str_from(name), .text = str_from(text)});
}

static const size_t fixture_entity_texts[] = {
    offsetof(struct entity, id),
    offsetof(struct entity, name),
    offsetof(struct entity, lower),
    offsetof(struct entity, metadata),
};
static const size_t fixture_alias_texts[] = {
    offsetof(struct alias, id),
    offsetof(struct alias, entity_id),
    offsetof(struct alias, name),
    offsetof(struct alias, lower),
    offsetof(struct alias, metadata),
    offsetof(struct alias, mount_accessor),
    offsetof(struct alias, custom_metadata),
};

static inline void fixture_entity(struct fixture *f, const char *name, struct list metadata) {
    struct entity e = {.id = STR("11111111-2222-3333-4444-555555555555"),
                       .name = str_from(name),
                       .lower = str_from(name),
                       .metadata = metadata};
    void *made;
    assert_int_equal(record_make(&made, &e, sizeof e, fixture_entity_texts,
                                 LEN(fixture_entity_texts), &entity_type, RECORD_ENTITY),
                     0);
    assert_int_equal(draft_put(&f->draft, made), 0);
    f->caller.entity = made; // the draft holds it
}

static inline void fixture_alias(struct fixture *f, const char *name, struct list metadata,
                                 struct list custom) {
    struct alias a = {.id = STR("66666666-2222-3333-4444-555555555555"),
                      .entity_id = f->caller.entity->id,
                      .name = str_from(name),
                      .lower = str_from(name),
                      .mount_accessor = STR(FIXTURE_ACCESSOR),
                      .metadata = metadata,
                      .custom_metadata = custom};
    void *made;
    assert_int_equal(record_make(&made, &a, sizeof a, fixture_alias_texts, LEN(fixture_alias_texts),
                                 &alias_type, RECORD_ALIAS),
                     0);
    assert_int_equal(draft_put(&f->draft, made), 0);
}

#endif
