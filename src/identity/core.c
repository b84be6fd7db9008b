// SPDX-License-Identifier: Apache-2.0
#include "identity/core.h"

#include <errno.h>

#include "crypto/digest.h"
#include "identity/codec.h"
#include "identity/mount.h"
#include "identity/policy.h"

enum { TEXT_MAX_BYTES = 4096, KEY_BYTES = 32, NAME_BYTES = 4 };

static const struct codec_row rows[] = {
    {"cluster_name", CODEC_TEXT, offsetof(struct core, cluster_name)},
    {"cluster_id", CODEC_TEXT, offsetof(struct core, cluster_id)},
    {"token_key", CODEC_TEXT, offsetof(struct core, token_key)},
    {"audit_key", CODEC_TEXT, offsetof(struct core, audit_key)},
    {"created_ms", CODEC_INT, offsetof(struct core, created_ms)},
};

static const size_t texts[] = {
    offsetof(struct core, cluster_name),
    offsetof(struct core, cluster_id),
    offsetof(struct core, token_key),
    offsetof(struct core, audit_key),
};

// There is one.
static struct tree_key key_of(const void *item) {
    (void)item;
    return (struct tree_key){STR("core"), STR_NONE};
}

static void core_encode(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int core_decode(void **ret, const struct json *v, struct fault *fault) {
    struct core draft = {0};
    AUTO_FINI(buf) struct buf none = buf_make(1);
    int r = codec_decode(rows, LEN(rows), v, &draft, &none, fault);
    if (r < 0) return r;
    if (draft.token_key.n != 2 * KEY_BYTES || draft.audit_key.n != 2 * KEY_BYTES)
        return fault_set(fault, -EINVAL, "a key is not %d bytes long", KEY_BYTES);
    return record_make(ret, &draft, sizeof draft, texts, LEN(texts), &core_type, RECORD_CORE);
}

const struct record_type core_type = {
    .name = "core",
    .index = {{key_of, record_hold, record_drop}},
    .index_count = 1,
    .encode = core_encode,
    .decode = core_decode,
    .secret = true,
};

const struct core *core_of(const struct state *s) {
    return state_get(s, RECORD_CORE, 0, key_of(NULL));
}

static int add_random_hex(struct buf *out, size_t n) {
    uint8_t bytes[KEY_BYTES];
    int r = crypto_random(bytes, n);
    if (r < 0) return r;
    buf_add_hex(out, bytes, n);
    crypto_wipe(bytes, sizeof bytes);
    return out->error;
}

static int put_core(struct draft *d, int64_t now_ms) {
    AUTO_WIPED struct buf token_key = buf_make(TEXT_MAX_BYTES);
    AUTO_WIPED struct buf audit_key = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf name = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf id = buf_make(TEXT_MAX_BYTES);
    buf_addz(&name, "vault-cluster-");
    int r = add_random_hex(&name, NAME_BYTES);
    if (r == 0) r = add_random_hex(&token_key, KEY_BYTES);
    if (r == 0) r = add_random_hex(&audit_key, KEY_BYTES);
    if (r == 0) r = mount_new_uuid(&id);
    if (r == 0) r = id.error;
    if (r < 0) return r;
    struct core core = {
        .cluster_name = buf_str(&name),
        .cluster_id = buf_str(&id),
        .token_key = buf_str(&token_key),
        .audit_key = buf_str(&audit_key),
        .created_ms = now_ms,
    };
    void *made = NULL;
    r = record_make(&made, &core, sizeof core, texts, LEN(texts), &core_type, RECORD_CORE);
    if (r < 0) return r;
    return draft_put(d, made);
}

struct first_mount {
    const char *path, *type, *description;
    enum mount_type kind;
    const char *token_type;
    const char *passed_header; // one of the request's that the backend sees; NULL: none
    const char *kv_version;    // NULL: no options
    bool auth, local, seal_wrap, dev_only;
};

static const struct first_mount first_mounts[] = {
    {.path = "sys/",
     .type = "system",
     .kind = MOUNT_SYSTEM,
     .description = "system endpoints used for control, policy and debugging",
     .passed_header = "Accept",
     .seal_wrap = true},
    {.path = "identity/",
     .type = "identity",
     .kind = MOUNT_IDENTITY,
     .description = "identity store",
     .passed_header = "Authorization"},
    {.path = "cubbyhole/",
     .type = "cubbyhole",
     .kind = MOUNT_CUBBYHOLE,
     .description = "per-token private secret storage",
     .local = true},
    {.path = "auth/token/",
     .type = "token",
     .kind = MOUNT_TOKEN,
     .description = "token based credentials",
     .token_type = "default-service",
     .auth = true},
    {.path = "secret/",
     .type = "kv",
     .kind = MOUNT_KV,
     .description = "key/value secret storage",
     .kv_version = "1",
     .dev_only = true},
};

static int put_mount(struct draft *d, const struct first_mount *row) {
    AUTO_FINI(buf) struct buf uuid = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf accessor = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf headers = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf options = buf_make(TEXT_MAX_BYTES);
    if (row->passed_header) list_add(&headers, str_from(row->passed_header));
    if (row->kv_version) {
        list_add(&options, STR("version"));
        list_add(&options, str_from(row->kv_version));
    }
    int r = mount_new_uuid(&uuid);
    if (r == 0) r = mount_new_accessor(&accessor, str_from(row->type), row->auth);
    if (r < 0) return r;
    if (uuid.error || accessor.error || headers.error || options.error) return -ENOMEM;
    struct mount m = {
        .type = row->kind,
        .path = str_from(row->path),
        .uuid = buf_str(&uuid),
        .accessor = buf_str(&accessor),
        .description = str_from(row->description),
        .shown_type = str_from(row->type),
        .options = list_of(&options),
        .local = row->local,
        .seal_wrap = row->seal_wrap,
        .token_type = str_from(row->token_type ? row->token_type : ""),
        .passthrough_headers = list_of(&headers),
    };
    void *made = NULL;
    r = record_make(&made, &m, sizeof m, mount_texts, mount_text_count, &mount_type_record,
                    RECORD_MOUNT);
    if (r < 0) return r;
    return draft_put(d, made);
}

static int put_policy(struct draft *d, const char *name, const char *text, int64_t now_ms) {
    struct policy *made = NULL;
    struct fault fault = {0};
    int r = policy_make(&made, str_from(name), str_from(text), now_ms, &fault);
    if (r > 0) return -EINVAL; // our own text: a test parses it
    if (r < 0) return r;
    return draft_put(d, made);
}

int core_make(struct draft *d, bool dev, int64_t now_ms) {
    int r = put_core(d, now_ms);
    for (size_t i = 0; r == 0 && i < LEN(first_mounts); i++)
        if (dev || !first_mounts[i].dev_only) r = put_mount(d, &first_mounts[i]);
    if (r == 0) r = put_policy(d, "default", policy_default_text, now_ms);
    if (r == 0) r = put_policy(d, "response-wrapping", policy_response_wrapping_text, now_ms);
    return r;
}
