// SPDX-License-Identifier: Apache-2.0
// Users, each a record of its own below its mount's uuid.
#include "identity/user.h"

#include "identity/codec.h"

enum { LISTS_MAX_BYTES = 64 << 20 };

static const struct codec_row rows[] = {
    {"mount_uuid", CODEC_TEXT, offsetof(struct user, mount_uuid)},
    {"name", CODEC_TEXT, offsetof(struct user, name)},
    {"password_hash", CODEC_TEXT, offsetof(struct user, password_hash)},
    {"token_policies", CODEC_LIST, offsetof(struct user, token_policies)},
    {"bound_cidrs", CODEC_LIST, offsetof(struct user, bound_cidrs)},
    {"token_ttl_s", CODEC_INT, offsetof(struct user, token_ttl_s)},
    {"token_max_ttl_s", CODEC_INT, offsetof(struct user, token_max_ttl_s)},
    {"token_explicit_max_ttl_s", CODEC_INT, offsetof(struct user, token_explicit_max_ttl_s)},
    {"token_period_s", CODEC_INT, offsetof(struct user, token_period_s)},
    {"token_num_uses", CODEC_INT, offsetof(struct user, token_num_uses)},
    {"token_no_default_policy", CODEC_BOOL, offsetof(struct user, token_no_default_policy)},
    {"token_strictly_bind_ip", CODEC_BOOL, offsetof(struct user, token_strictly_bind_ip)},
    {"token_type", CODEC_TEXT, offsetof(struct user, token_type)},
    {"legacy", CODEC_INT, offsetof(struct user, legacy)},
};

static const size_t texts[] = {
    offsetof(struct user, mount_uuid),    offsetof(struct user, name),
    offsetof(struct user, password_hash), offsetof(struct user, token_policies),
    offsetof(struct user, bound_cidrs),   offsetof(struct user, token_type),
};

static struct tree_key by_name(const void *item) {
    const struct user *u = item;
    return (struct tree_key){u->mount_uuid, u->name};
}

static void encode(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int decode(void **ret, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf lists = buf_make(LISTS_MAX_BYTES);
    struct user u = {0};
    int r = codec_decode(rows, LEN(rows), v, &u, &lists, fault);
    if (r < 0) return r;
    return record_make(ret, &u, sizeof u, texts, LEN(texts), &user_type, RECORD_USER);
}

const struct record_type user_type = {
    .name = "user",
    .index = {{by_name, record_hold, record_drop}},
    .index_count = 1,
    .encode = encode,
    .decode = decode,
    .secret = true,
};

const struct user *user_get(const struct state *s, struct str mount_uuid, struct str lower_name) {
    return state_get(s, RECORD_USER, 0, (struct tree_key){mount_uuid, lower_name});
}

int user_put(struct draft *d, const struct user *u) {
    void *made = NULL;
    int r = record_make(&made, u, sizeof *u, texts, LEN(texts), &user_type, RECORD_USER);
    return r < 0 ? r : draft_put(d, made);
}
