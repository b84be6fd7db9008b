// SPDX-License-Identifier: Apache-2.0
// Pieces with semicolons between them: a template, the entity's name, and pairs of metadata. What
// it expands to begins with its head; a rule of it applies to just that path, unless a value is
// forbidden: then nothing is allowed.
#include "identity/acl.h"
#include "identity/entity.h"
#include "identity/template.h"
#include "json/write.h"

#include "fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static const struct state_schema schema = {.types = {[RECORD_POLICY] = &policy_type,
                                                     [RECORD_ENTITY] = &entity_type,
                                                     [RECORD_ALIAS] = &alias_type}};

static int expand(const struct template *t, const struct acl_caller *caller, struct buf *out) {
    int r = template_expand(t, caller->state, caller->entity, out);
    MUST(r == 0 || r == TEMPLATE_E_MISSING);
    return r;
}

// `path "..." { capabilities = ["read"] }`
static struct policy *make_policy(struct str text) {
    AUTO_FINI(buf) struct buf hcl = buf_make(TEXT_MAX_BYTES);
    struct policy *made = NULL;
    buf_addz(&hcl, "{\"path\":{");
    json_add_text(&hcl, text);
    buf_addz(&hcl, ":{\"capabilities\":[\"read\"]}}}");
    struct policy want = {.name = STR("p"), .text = buf_str(&hcl)};
    if (hcl.error) return NULL;
    int r = policy_make_from(&made, &want, NULL);
    MUST(r == 0 || r == POLICY_E_TEXT);
    return made;
}

static void decide(const struct acl_caller *caller, struct str expanded, bool forbidden) {
    AUTO_FINI(acl_verdict) struct acl_verdict v = {0};
    struct str path = str_sub(expanded, str_starts(expanded, STR("/")), expanded.n);
    MUST(acl_decide(caller, path, false, &v) == 0);
    MUST(v.capabilities == (forbidden ? ACL_DENY : ACL_READ));
    MUST(v.bad_template == forbidden);
}

static void check_template(const struct template *t, struct str text,
                           const struct acl_caller *caller) {
    AUTO_FINI(buf) struct buf first = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf second = buf_make(TEXT_MAX_BYTES);
    int r = expand(t, caller, &first);
    MUST(expand(t, caller, &second) == r);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
    MUST(str_starts(buf_str(&first), template_head(t)));
    if (r == 0 && !template_is_in(text)) MUST(str_eq(buf_str(&first), text));
    bool forbidden = template_value_has(t, caller->state, caller->entity, "/+*");
    bool own_wildcards = str_find_char(text, '*') < text.n;
    if (r == 0 && template_is_in(text) && !own_wildcards)
        decide(caller, buf_str(&first), forbidden);
}

static void check(struct str text, const struct entity *entity) {
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft draft = {0};
    AUTO_FINI(arena) struct arena arena = {0};
    AUTO_FINI(buf) struct buf names = buf_make(TEXT_MAX_BYTES);
    struct template *t = NULL;
    int r = template_make(&t, &arena, text);
    MUST(r == 0 || r == TEMPLATE_E_BRACES);
    struct policy *policy = make_policy(text);
    if (r) MUST(!policy);
    if (!policy) return;
    list_add(&names, STR("p"));
    MUST(state_new(&empty, &schema) == 0);
    MUST(draft_begin(&draft, empty) == 0);
    MUST(draft_put(&draft, policy) == 0);
    struct acl_caller caller = {
        .state = draft.state, .policies = list_of(&names), .entity = entity, .now_ms = 1};
    check_template(t, text, &caller);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FINI(buf) struct buf valid = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf metadata = buf_make(TEXT_MAX_BYTES);
    json_add_text(&valid, (struct str){(const char *)data, size});
    if (valid.error || valid.n != size + 2) return 0; // escapes, or not UTF-8: not looked at here
    struct str rest = {(const char *)data, size};
    struct str text = str_split(&rest, ';');
    struct str name = rest.p ? str_split(&rest, ';') : STR("");
    while (rest.p) list_add(&metadata, str_split(&rest, ';'));
    struct entity entity = {.id = STR("id"), .name = name, .metadata = list_of(&metadata)};
    check(text, &entity);
    return 0;
}
