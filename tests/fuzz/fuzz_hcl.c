// SPDX-License-Identifier: Apache-2.0
// Any bytes as a policy, and what stands behind a line of two percent signs as a path. HCL that
// parses can be written and reads the same again; whatever rules come out, decisions hold together:
// a denial is nothing else, the same question has the same answer, and the shown ACL is JSON.
#include <stdio.h>

#include "identity/acl.h"
#include "identity/entity.h"
#include "identity/hcl.h"

#include "fuzz.h"

enum { TEXT_MAX_BYTES = 16 << 20 };

static const struct state_schema schema = {.types = {[RECORD_POLICY] = &policy_type,
                                                     [RECORD_ENTITY] = &entity_type,
                                                     [RECORD_ALIAS] = &alias_type}};

// What JSON can say and HCL can't (null, a label before a list) is not to be written.
static void write_and_read_again(const struct hcl *h, struct str text) {
    AUTO_FINI(buf) struct buf first = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf second = buf_make(TEXT_MAX_BYTES);
    hcl_write(&h->root, &first);
    if (first.error || str_starts(str_trim(text), STR("{"))) return;
    struct hcl again;
    struct fault fault = {{0}};
    int r = hcl_parse(&again, buf_str(&first), &fault);
    if (r) fprintf(stderr, "%s\n%.*s\n", fault.text, STR_ARG(buf_str(&first)));
    MUST(r == 0);
    hcl_write(&again.root, &second);
    hcl_fini(&again);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
}

static void check_tree(struct str text) {
    struct hcl h;
    struct fault fault = {{0}};
    int r = hcl_parse(&h, text, &fault);
    MUST(r == 0 || (r == HCL_E_SYNTAX && str_starts(str_from(fault.text), STR("At "))));
    if (r) return;
    write_and_read_again(&h, text);
    hcl_fini(&h);
}

static void decide(const struct acl_caller *caller, struct str path, bool list) {
    AUTO_FINI(acl_verdict) struct acl_verdict v = {0};
    AUTO_FINI(acl_verdict) struct acl_verdict again = {0};
    MUST(acl_decide(caller, path, list, &v) == 0);
    MUST(acl_decide(caller, path, list, &again) == 0);
    MUST(v.capabilities == again.capabilities && v.controlled == again.controlled);
    MUST(v.matched || v.capabilities == 0);
    MUST(!(v.capabilities & ACL_DENY) || v.capabilities == ACL_DENY);
    MUST((v.capabilities & v.controlled) == 0);
    MUST(v.min_wrapping_ms >= 0 && v.max_wrapping_ms >= 0 && v.list_limit >= 0);
    (void)acl_check_parameters(&v, NULL);
}

static void show(const struct acl_caller *caller, struct str path) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *shown;
    MUST(acl_capabilities(caller, path, &out) == 0);
    MUST(out.n > 0);
    buf_reset(&out);
    MUST(acl_write_resultant(caller, &out) == 0);
    MUST(json_reader_new(&reader) == 0);
    MUST(json_read(reader, buf_str(&out), &shown, NULL) == 0);
    MUST(json_type(json_get(shown, "glob_paths")) == JSON_OBJECT);
    (void)acl_sees(caller, path);
}

static void check_rules(struct policy *take_policy, struct str path) {
    AUTO_FINI(buf) struct buf names = buf_make(TEXT_MAX_BYTES);
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft draft = {0};
    list_add(&names, take_policy->name);
    MUST(state_new(&empty, &schema) == 0);
    MUST(draft_begin(&draft, empty) == 0);
    MUST(draft_put(&draft, take_policy) == 0);
    struct acl_caller caller = {.state = draft.state, .policies = list_of(&names), .now_ms = 1};
    decide(&caller, path, false);
    decide(&caller, path, true);
    show(&caller, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str input = {(const char *)data, size};
    size_t at = str_find(input, STR("\n%%\n"));
    struct str text = str_sub(input, 0, at), path = str_sub(input, at + 4, input.n);
    if (!path.p) path = STR("");
    check_tree(text);
    struct policy want = {.name = STR("p"), .text = text}, *made = NULL;
    struct fault fault = {{0}};
    int r = policy_make_from(&made, &want, &fault);
    MUST(r == 0 || (r == POLICY_E_TEXT && fault.text[0]));
    if (r == 0) check_rules(made, path);
    return 0;
}
