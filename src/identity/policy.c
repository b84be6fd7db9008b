// SPDX-License-Identifier: Apache-2.0
// The record: its text is what is kept, its rules are made of it again at every start.
#include "identity/policy.h"

#include <errno.h>

#include "identity/codec.h"

enum { LISTS_MAX_BYTES = 1 << 10 };

static const struct codec_row rows[] = {
    {"name", CODEC_TEXT, offsetof(struct policy, name)},
    {"text", CODEC_TEXT, offsetof(struct policy, text)},
    {"modified_ms", CODEC_INT, offsetof(struct policy, modified_ms)},
    {"version", CODEC_INT, offsetof(struct policy, version)},
    {"expires_ms", CODEC_INT, offsetof(struct policy, expires_ms)},
    {"cas_required", CODEC_BOOL, offsetof(struct policy, cas_required)},
    {"allow_slashes", CODEC_BOOL, offsetof(struct policy, allow_slashes)},
    {"allow_wildcards", CODEC_BOOL, offsetof(struct policy, allow_wildcards)},
};

static const size_t texts[] = {offsetof(struct policy, name), offsetof(struct policy, text)};

static struct tree_key key_of_name(const void *item) {
    const struct policy *p = item;
    return (struct tree_key){p->name, STR_NONE};
}

static void encode(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int decode(void **ret, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf lists = buf_make(LISTS_MAX_BYTES);
    struct policy want = {0};
    struct policy *made = NULL;
    int r = codec_decode(rows, LEN(rows), v, &want, &lists, fault);
    if (r == 0) r = policy_make_from(&made, &want, fault);
    if (r) return r > 0 ? -EINVAL : r;
    *ret = made;
    return 0;
}

static void fini(void *record) {
    struct policy *p = record;
    p->rules = policy_rules_free(p->rules);
}

const struct record_type policy_type = {
    .name = "policy",
    .index = {{key_of_name, record_hold, record_drop}},
    .index_count = 1,
    .encode = encode,
    .decode = decode,
    .fini = fini,
};

int policy_make_from(struct policy **ret, const struct policy *want, struct fault *fault) {
    AUTO(policy_rules) struct policy_rules *rules = NULL;
    int r = policy_rules_parse(&rules, want->text, fault);
    if (r) return r;
    struct policy draft = *want;
    draft.rules = rules;
    void *made;
    r = record_make(&made, &draft, sizeof draft, texts, LEN(texts), &policy_type, RECORD_POLICY);
    if (r) return r;
    rules = NULL; // the record's
    *ret = made;
    return 0;
}

int policy_make(struct policy **ret, struct str name, struct str text, int64_t now_ms,
                struct fault *fault) {
    struct policy want = {.name = name, .text = text, .modified_ms = now_ms, .version = 1};
    return policy_make_from(ret, &want, fault);
}

const struct policy *policy_get(const struct state *s, struct str lower_name) {
    return state_get(s, RECORD_POLICY, 0, (struct tree_key){lower_name, STR_NONE});
}
