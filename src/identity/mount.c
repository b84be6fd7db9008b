// SPDX-License-Identifier: Apache-2.0
// No mount's path is a prefix of another's (sys/mounts and sys/auth refuse that), so the mount of a
// path is the first of its leading segments that is one. The tree's order tells early when no mount
// begins with what has been read of the path.
#include "identity/mount.h"

#include <errno.h>
#include <stdio.h>

#include "crypto/digest.h"
#include "identity/codec.h"
#include "identity/secret.h"
#include "identity/token.h"
#include "identity/user.h"

enum { LISTS_MAX_BYTES = 1 << 20 };

static const char *const kind_names[MOUNT_TYPES] = {
    [MOUNT_SYSTEM] = "system", [MOUNT_IDENTITY] = "identity", [MOUNT_CUBBYHOLE] = "cubbyhole",
    [MOUNT_TOKEN] = "token",   [MOUNT_USERPASS] = "userpass", [MOUNT_KV] = "kv",
};

static const struct codec_row rows[] = {
    {"path", CODEC_TEXT, offsetof(struct mount, path)},
    {"uuid", CODEC_TEXT, offsetof(struct mount, uuid)},
    {"accessor", CODEC_TEXT, offsetof(struct mount, accessor)},
    {"description", CODEC_TEXT, offsetof(struct mount, description)},
    {"shown_type", CODEC_TEXT, offsetof(struct mount, shown_type)},
    {"options", CODEC_PAIRS, offsetof(struct mount, options)},
    {"default_ttl_s", CODEC_INT, offsetof(struct mount, default_ttl_s)},
    {"max_ttl_s", CODEC_INT, offsetof(struct mount, max_ttl_s)},
    {"force_no_cache", CODEC_BOOL, offsetof(struct mount, force_no_cache)},
    {"local", CODEC_BOOL, offsetof(struct mount, local)},
    {"seal_wrap", CODEC_BOOL, offsetof(struct mount, seal_wrap)},
    {"external_entropy", CODEC_BOOL, offsetof(struct mount, external_entropy)},
    {"token_type", CODEC_TEXT, offsetof(struct mount, token_type)},
    {"listing_visibility", CODEC_TEXT, offsetof(struct mount, listing_visibility)},
    {"audit_request_keys", CODEC_LIST, offsetof(struct mount, audit_request_keys)},
    {"audit_response_keys", CODEC_LIST, offsetof(struct mount, audit_response_keys)},
    {"passthrough_headers", CODEC_LIST, offsetof(struct mount, passthrough_headers)},
    {"allowed_headers", CODEC_LIST, offsetof(struct mount, allowed_headers)},
    {"user_lockout", CODEC_TEXT, offsetof(struct mount, user_lockout)},
};

const size_t mount_texts[] = {
    offsetof(struct mount, path),
    offsetof(struct mount, uuid),
    offsetof(struct mount, accessor),
    offsetof(struct mount, description),
    offsetof(struct mount, shown_type),
    offsetof(struct mount, options),
    offsetof(struct mount, token_type),
    offsetof(struct mount, listing_visibility),
    offsetof(struct mount, audit_request_keys),
    offsetof(struct mount, audit_response_keys),
    offsetof(struct mount, passthrough_headers),
    offsetof(struct mount, allowed_headers),
    offsetof(struct mount, user_lockout),
};
const size_t mount_text_count = LEN(mount_texts);

static struct tree_key key_of_path(const void *item) {
    const struct mount *m = item;
    return (struct tree_key){m->path, STR_NONE};
}

static struct tree_key key_of_accessor(const void *item) {
    const struct mount *m = item;
    return (struct tree_key){m->accessor, STR_NONE};
}

static void mount_encode(const void *record, struct buf *out) {
    const struct mount *m = record;
    json_open(out, '{');
    json_key(out, STR("kind"));
    json_add_str(out, str_from(kind_names[m->type]));
    codec_encode(rows, LEN(rows), m, out);
    json_close(out, '}');
}

static bool kind_of(struct str name, enum mount_type *ret) {
    for (int i = 0; i < MOUNT_TYPES; i++) {
        if (!str_eqz(name, kind_names[i])) continue;
        *ret = (enum mount_type)i;
        return true;
    }
    return false;
}

static int mount_decode(void **ret, const struct json *v, struct fault *fault) {
    struct mount draft = {0};
    AUTO_FINI(buf) struct buf lists = buf_make(LISTS_MAX_BYTES);
    int r = codec_decode(rows, LEN(rows), v, &draft, &lists, fault);
    if (r < 0) return r;
    if (!kind_of(json_str(json_get(v, "kind")), &draft.type))
        return fault_set(fault, -EINVAL, "member \"kind\" is not a kind of mount");
    return record_make(ret, &draft, sizeof draft, mount_texts, mount_text_count, &mount_type_record,
                       RECORD_MOUNT);
}

const struct record_type mount_type_record = {
    .name = "mount",
    .index = {{key_of_path, record_hold, record_drop}, {key_of_accessor, record_hold, record_drop}},
    .index_count = 2,
    .encode = mount_encode,
    .decode = mount_decode,
};

const struct mount *mount_at(const struct state *s, struct str mount_path) {
    return state_get(s, RECORD_MOUNT, 0, (struct tree_key){mount_path, STR_NONE});
}

const struct mount *mount_by_accessor(const struct state *s, struct str accessor) {
    return state_get(s, RECORD_MOUNT, 1, (struct tree_key){accessor, STR_NONE});
}

// Does any mount's path begin with this?
static bool any_below(const struct state *s, struct str prefix) {
    struct tree_walk walk = state_from(s, RECORD_MOUNT, 0, (struct tree_key){prefix, STR_NONE});
    const struct mount *m = tree_next(&walk);
    return m && str_starts(m->path, prefix);
}

// "kv1" is what "kv1/" is mounted at.
static const struct mount *with_slash(const struct state *s, struct str path) {
    char text[512];
    if (path.n == 0 || path.n >= sizeof text) return NULL;
    memcpy(text, path.p, path.n);
    text[path.n] = '/';
    return mount_at(s, (struct str){text, path.n + 1});
}

const struct mount *mount_of(const struct state *s, struct str path) {
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '/') continue;
        struct str prefix = {path.p, i + 1};
        const struct mount *m = mount_at(s, prefix);
        if (m) return m;
        if (!any_below(s, prefix)) return NULL;
    }
    return with_slash(s, path);
}

int64_t mount_max_ttl_s(const struct mount *m) {
    return m->max_ttl_s ? m->max_ttl_s : MOUNT_MAX_TTL_S;
}

int64_t mount_default_ttl_s(const struct mount *m) {
    return m->default_ttl_s ? m->default_ttl_s : MOUNT_DEFAULT_TTL_S;
}

int mount_new_uuid(struct buf *out) {
    uint8_t b[16];
    int r = crypto_random(b, sizeof b);
    if (r < 0) return r;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); // RFC 9562: version 4,
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); // variant 10
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    size_t at = 0;
    for (size_t i = 0; i < LEN(parts); i++) {
        if (i) buf_addc(out, '-');
        buf_add_hex(out, b + at, parts[i]);
        at += parts[i];
    }
    return 0;
}

int mount_new_accessor(struct buf *out, struct str type, bool auth) {
    uint8_t b[4];
    int r = crypto_random(b, sizeof b);
    if (r < 0) return r;
    if (auth) buf_addz(out, "auth_");
    buf_add_str(out, type);
    buf_addc(out, '_');
    buf_add_hex(out, b, sizeof b);
    return 0;
}

static int remove_users(struct draft *d, const struct mount *m) {
    for (;;) {
        struct tree_walk walk =
            state_from(d->state, RECORD_USER, 0, (struct tree_key){m->uuid, STR("")});
        const struct user *u = tree_next(&walk);
        if (!u || !str_eq(u->mount_uuid, m->uuid)) return 0;
        int r = draft_delete(d, u);
        if (r < 0) return r;
    }
}

// The first token of that mount from the key `from`; NULL.
static const struct token *token_of_mount(const struct state *s, struct str from,
                                          struct str accessor) {
    struct tree_walk walk = state_from(s, RECORD_TOKEN, 0, (struct tree_key){from, STR_NONE});
    const struct token *t;
    while ((t = tree_next(&walk)))
        if (str_eq(t->mount_accessor, accessor)) return t;
    return NULL;
}

// There is no index of tokens by mount: this walks them all, once.
static int remove_tokens(struct draft *d, const struct mount *m) {
    char last[CRYPTO_SHA256_BYTES];
    struct str from = {last, 0};
    const struct token *t;
    while ((t = token_of_mount(d->state, from, m->accessor))) {
        from.n = t->hash.n < sizeof last ? t->hash.n : sizeof last;
        memcpy(last, t->hash.p, from.n);
        int r = token_revoke(d, t);
        if (r < 0) return r;
    }
    return 0;
}

int mount_remove(struct draft *d, const struct mount *m) {
    int r = 0;
    if (m->type == MOUNT_USERPASS) r = remove_users(d, m);
    if (r == 0 && mount_is_auth(m)) r = remove_tokens(d, m);
    if (r == 0 && m->type == MOUNT_KV) r = secret_delete_all(d, m->uuid);
    if (r < 0) return r;
    return draft_delete(d, m);
}
