// SPDX-License-Identifier: Apache-2.0
// kv version 1: one JSON object per path, given back as it was written. A member `ttl` (or `lease`)
// says how long a reader may take it for current.
#include <errno.h>

#include "api/backends.h"
#include "api/call.h"
#include "base/parse.h"
#include "base/time.h"
#include "identity/secret.h"

enum { OBJECT_MAX_BYTES = 64 << 20, LIST_MAX_BYTES = 256 << 20 };

// Seconds that fit into 64 bits of nanoseconds, as Go counts time.
static const int64_t ttl_max_s = INT64_MAX / 1000000000;

static bool fits(int64_t s) { return s <= ttl_max_s && s >= -ttl_max_s; }

// "30", "-5s", "1h30m", "1d", "".
static bool text_seconds(struct str text, int64_t *ret) {
    int64_t n = 0;
    if (text.n == 0) return *ret = 0, true;
    if (parse_i64(text, &n)) return fits(n) ? (*ret = n, true) : false;
    bool negative = text.p[0] == '-';
    if (!parse_duration_ms(negative ? str_sub(text, 1, text.n) : text, &n)) return false;
    *ret = n / TIME_SECOND_MS * (negative ? -1 : 1);
    return fits(*ret);
}

static bool value_seconds(const struct json *v, int64_t *ret) {
    switch (json_type(v)) {
    case JSON_NULL: *ret = 0; return true;
    case JSON_NUMBER: return json_i64(v, ret) && fits(*ret);
    case JSON_STRING: return text_seconds(json_str(v), ret);
    case JSON_BOOL:
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return false;
}

// What can't be understood is no reason to refuse a secret: the mount's default is given then.
static int64_t lease_duration(const struct call *c, const struct json *object) {
    int64_t s = 0;
    const struct json *ttl = json_get(object, "ttl");
    if (!ttl) ttl = json_get(object, "lease");
    return ttl && value_seconds(ttl, &s) ? s : mount_default_ttl_s(c->mount);
}

// Asked before the fields are read.
static bool exists(struct call *c) { return secret_get(c->state, c->mount->uuid, c->rest) != NULL; }

// Most secrets say nothing of it, and need not be read.
static bool may_say_ttl(struct str json) {
    return str_find(json, STR("\"ttl\"")) < json.n || str_find(json, STR("\"lease\"")) < json.n;
}

static int read_ttl(struct call *c, struct str json) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *object = NULL;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, json, &object, NULL);
    if (r) return r < 0 ? r : -EINVAL;
    c->reply.lease_duration_s = lease_duration(c, object);
    json_reader_wipe(reader);
    return 0;
}

static int read_secret(struct call *c) {
    const struct secret *s = secret_get(c->state, c->mount->uuid, call_str(c, "path"));
    if (!s) return call_not_found(c);
    c->reply.lease_duration_s = mount_default_ttl_s(c->mount);
    c->reply.has_data = true;
    buf_add_str(&c->reply.data, s->json);
    return may_say_ttl(s->json) ? read_ttl(c, s->json) : 0;
}

static int write_secret(struct call *c) {
    const struct json *object = call_body(c);
    struct str path = call_str(c, "path");
    if (!path.n) return call_error(c, 400, "missing path");
    if (!json_count(object)) return call_error(c, 400, "missing data fields");
    AUTO_WIPED struct buf text = buf_make(OBJECT_MAX_BYTES);
    int r = json_add_value(&text, object);
    if (r == -ELOOP)
        return call_error(c, 400, "the data is nested deeper than %d levels", JSON_WRITE_DEPTH_MAX);
    if (r == 0) r = text.error;
    if (r == 0) r = secret_put(c->draft, c->mount->uuid, path, buf_str(&text));
    return r ? r : call_no_content(c);
}

static int delete_secret(struct call *c) {
    int r = secret_delete(c->draft, c->mount->uuid, call_str(c, "path"));
    return r ? r : call_no_content(c);
}

static int list_secrets(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf prefix = buf_make(LIST_MAX_BYTES);
    struct str path = call_str(c, "path");
    buf_add_str(&prefix, path);
    if (path.n && !str_ends(path, STR("/"))) buf_addc(&prefix, '/');
    size_t n = 0;
    secret_list(c->state, c->mount->uuid, buf_str(&prefix), &keys, &n);
    if (prefix.error || keys.error) return prefix.error ? prefix.error : keys.error;
    return call_keys(c, buf_str(&keys), STR_NONE);
}

static const struct field fields[] = {
    {"path", FIELD_STRING, NULL, 0, "Where the secret is kept."},
    {0},
};

static const struct route routes[] = {
    {.pattern = "{path**}",
     .fields = fields,
     .read = read_secret,
     .list = list_secrets,
     .update = write_secret,
     .remove = delete_secret,
     .exists = exists,
     .summary = "Read, write, list and delete secrets.",
     .description = "A secret is a JSON object that is given back as it was written. A member ttl "
                    "becomes the lease_duration of answers: how long a reader may take it for "
                    "current. Nothing is revoked when it has passed."},
    {0},
};

const struct backend backend_kv = {
    .type = "kv",
    .routes = routes,
    .help = "Key/value secrets, version 1: one JSON object per path.",
};
