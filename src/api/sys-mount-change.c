// SPDX-License-Identifier: Apache-2.0
// Two requests change a mount, and say the same things in two ways: enabling in an object `config`,
// tuning in fields. Both fill a copy of the mount, which is then put in its place.
#include <errno.h>

#include "api/fields.h"
#include "api/sys-mount.h"
#include "base/parse.h"

enum { USER_LOCKOUT_MAX_S = 1 << 30 };

void sys_mount_wish_init(struct sys_mount_wish *w) { *w = (struct sys_mount_wish){0}; }

void sys_mount_wish_fini(struct sys_mount_wish *w) {
    for (size_t i = 0; i < w->n; i++) buf_fini(&w->made[i]);
}

struct buf *sys_mount_room(struct sys_mount_wish *w) {
    struct buf *room = &w->made[w->n];
    *room = buf_make(SYS_LIST_MAX_BYTES);
    if (w->n + 1 < SYS_MOUNT_BUFS) w->n++;
    return room;
}

int sys_mount_put(struct draft *d, const struct sys_mount_wish *w) {
    for (size_t i = 0; i < w->n; i++)
        if (w->made[i].error) return w->made[i].error;
    void *made = NULL;
    int r = record_make(&made, &w->mount, sizeof w->mount, mount_texts, mount_text_count,
                        &mount_type_record, RECORD_MOUNT);
    if (r < 0) return r;
    return draft_put(d, made);
}

static int check_token_type(struct str type, struct fault *fault) {
    static const char *const types[] = {"default-service", "default-batch", "service", "batch"};
    for (size_t i = 0; i < LEN(types); i++)
        if (str_eqz(type, types[i])) return 0;
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "invalid value for 'token_type'");
}

static int check_visibility(struct str visibility, struct fault *fault) {
    if (!visibility.n || str_eqz(visibility, "unauth") || str_eqz(visibility, "hidden")) return 0;
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "invalid listing_visibility %.*s",
                     STR_ARG(visibility));
}

// Lists by the name that both requests give them.
static const struct list_row {
    const char *key;
    size_t offset; // in struct mount
} list_rows[] = {
    {"audit_non_hmac_request_keys", offsetof(struct mount, audit_request_keys)},
    {"audit_non_hmac_response_keys", offsetof(struct mount, audit_response_keys)},
    {"passthrough_request_headers", offsetof(struct mount, passthrough_headers)},
    {"allowed_response_headers", offsetof(struct mount, allowed_headers)},
};

static void set_list(struct mount *m, const struct list_row *row, struct list value) {
    memcpy((char *)m + row->offset, &value, sizeof value);
}

// An array of strings, or one string with commas. False: something else.
static bool pack_list(struct buf *out, const struct json *v) {
    if (json_type(v) == JSON_STRING) {
        struct str rest = json_str(v).n ? json_str(v) : STR_NONE;
        while (rest.p) list_add(out, str_trim(str_split(&rest, ',')));
        return true;
    }
    if (json_type(v) != JSON_ARRAY) return false;
    struct json_iter it = json_iter(v);
    while (json_next(&it)) {
        if (json_type(it.value) != JSON_STRING) return false;
        list_add(out, json_str(it.value));
    }
    return true;
}

static int refuse_config(bool auth, struct fault *fault) {
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "unable to convert given %s config information",
                     auth ? "auth" : "mount");
}

static int read_ttl(const struct json *v, const char *what, int64_t *ret, struct fault *fault) {
    struct str text = json_type(v) == JSON_NUMBER ? json_number(v) : json_str(v);
    if (!text.n || str_eqz(text, "system")) return 0;
    struct fault why = {0};
    int r = fields_seconds_text(text, false, ret, &why);
    if (!r) return 0;
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "unable to parse %s TTL of %.*s: %s", what,
                     STR_ARG(text), why.text);
}

// A member that is missing or null is not said; false: it is of another type.
static bool is_a(const struct json *v, enum json_type type) {
    return json_type(v) == JSON_NULL || json_type(v) == type;
}

static bool is_ttl(const struct json *v) { return is_a(v, JSON_NUMBER) || is_a(v, JSON_STRING); }

static bool config_types_fit(const struct json *config) {
    return is_ttl(json_get(config, "default_lease_ttl")) &&
           is_ttl(json_get(config, "max_lease_ttl")) &&
           is_a(json_get(config, "force_no_cache"), JSON_BOOL) &&
           is_a(json_get(config, "listing_visibility"), JSON_STRING) &&
           is_a(json_get(config, "token_type"), JSON_STRING) &&
           is_a(json_get(config, "user_lockout_config"), JSON_OBJECT);
}

static int check_ttls(const struct mount *m, struct fault *fault) {
    if (m->max_ttl_s && m->default_ttl_s > m->max_ttl_s)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "given default lease TTL greater than given max lease TTL");
    if (!m->max_ttl_s && m->default_ttl_s > MOUNT_MAX_TTL_S)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "given default lease TTL greater than system max lease TTL of %d",
                         MOUNT_MAX_TTL_S);
    return 0;
}

static int read_config_lists(struct sys_mount_wish *w, const struct json *config, bool auth,
                             struct fault *fault) {
    for (size_t i = 0; i < LEN(list_rows); i++) {
        const struct json *v = json_get(config, list_rows[i].key);
        if (json_type(v) == JSON_NULL) continue;
        struct buf *packed = sys_mount_room(w);
        if (!pack_list(packed, v)) return refuse_config(auth, fault);
        set_list(&w->mount, &list_rows[i], list_of(packed));
    }
    return 0;
}

static int read_token_type(struct mount *m, const struct json *v, struct fault *fault) {
    if (!json_str(v).n) return 0;
    m->token_type = json_str(v);
    return check_token_type(m->token_type, fault);
}

static int read_lockout(struct sys_mount_wish *w, const struct json *v, struct fault *fault);

int sys_mount_read_config(struct sys_mount_wish *w, const struct json *config, bool auth,
                          struct fault *fault) {
    struct mount *m = &w->mount;
    if (!config_types_fit(config)) return refuse_config(auth, fault);
    int r = read_ttl(json_get(config, "default_lease_ttl"), "default", &m->default_ttl_s, fault);
    if (!r) r = read_ttl(json_get(config, "max_lease_ttl"), "max", &m->max_ttl_s, fault);
    if (!r) r = check_ttls(m, fault);
    if (!r) r = read_config_lists(w, config, auth, fault);
    if (!r && auth) r = read_token_type(m, json_get(config, "token_type"), fault);
    if (!r && auth) r = read_lockout(w, json_get(config, "user_lockout_config"), fault);
    if (r) return r;
    m->force_no_cache = json_bool(json_get(config, "force_no_cache"));
    struct str visibility = json_str(json_get(config, "listing_visibility"));
    if (visibility.p) m->listing_visibility = visibility;
    return check_visibility(m->listing_visibility, fault);
}

// What locks users out: the names of a request, and those of an answer and of the record.
struct lockout {
    int64_t threshold, duration_s, reset_s;
    bool disable;
};

static int64_t kept_number(const struct json *v, const char *key) {
    int64_t n = 0;
    return json_i64(json_get(v, key), &n) ? n : 0;
}

static int lockout_kept(const struct mount *m, struct lockout *ret) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    *ret = (struct lockout){0};
    if (!m->user_lockout.n) return 0;
    int r = json_reader_new(&reader);
    if (r < 0) return r;
    r = json_read(reader, m->user_lockout, &v, NULL);
    if (r < 0) return r;
    ret->threshold = kept_number(v, "user_lockout_threshold");
    ret->duration_s = kept_number(v, "user_lockout_duration");
    ret->reset_s = kept_number(v, "user_lockout_counter_reset_duration");
    ret->disable = json_bool(json_get(v, "user_lockout_disable"));
    return 0;
}

static void lockout_write(const struct lockout *l, struct buf *out) {
    json_open(out, '{');
    call_number(out, "user_lockout_counter_reset_duration", l->reset_s);
    call_flag(out, "user_lockout_disable", l->disable);
    call_number(out, "user_lockout_duration", l->duration_s);
    call_number(out, "user_lockout_threshold", l->threshold);
    json_close(out, '}');
}

static int read_threshold(const struct json *v, int64_t *ret, struct fault *fault) {
    struct str text = json_type(v) == JSON_NUMBER ? json_number(v) : json_str(v);
    uint64_t n = 0;
    if (json_type(v) == JSON_NULL) return 0;
    if (!parse_u64(text, &n) || n > INT32_MAX)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "unable to parse user lockout threshold: strconv.ParseUint: parsing "
                         "\"%.*s\": invalid syntax",
                         STR_ARG(text));
    *ret = (int64_t)n;
    return 0;
}

static int read_lockout_time(const struct json *v, const char *what, int64_t *ret,
                             struct fault *fault) {
    if (json_type(v) == JSON_NULL) return 0;
    struct fault why = {0};
    int r = fields_seconds(v, false, ret, &why);
    if (r == 0 && *ret <= USER_LOCKOUT_MAX_S) return 0;
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "unable to parse user lockout %s: %s", what,
                     r ? why.text : "it is too long");
}

static int read_lockout_flag(const struct json *v, bool *ret, struct fault *fault) {
    if (json_type(v) == JSON_NULL) return 0;
    if (json_type(v) == JSON_BOOL) return *ret = json_bool(v), 0;
    if (json_str(v).p && fields_bool_text(json_str(v), ret)) return 0;
    return fault_set(fault, SYS_MOUNT_E_REFUSED, "unable to parse user lockout disable: a bool");
}

static int read_lockout(struct sys_mount_wish *w, const struct json *v, struct fault *fault) {
    if (json_type(v) != JSON_OBJECT || !json_count(v)) return 0;
    struct lockout l;
    int r = lockout_kept(&w->mount, &l);
    if (!r) r = read_threshold(json_get(v, "lockout_threshold"), &l.threshold, fault);
    if (!r)
        r = read_lockout_time(json_get(v, "lockout_duration"), "duration", &l.duration_s, fault);
    if (!r)
        r = read_lockout_time(json_get(v, "lockout_counter_reset_duration"),
                              "counter reset duration", &l.reset_s, fault);
    if (!r) r = read_lockout_flag(json_get(v, "lockout_disable"), &l.disable, fault);
    if (r) return r;
    struct buf *text = sys_mount_room(w);
    lockout_write(&l, text);
    w->mount.user_lockout = buf_str(text);
    return 0;
}

// "": not said; "system": as the system has it.
static int tune_ttl(const struct call *c, const char *field, int64_t *ret, struct fault *fault) {
    struct str text = call_str(c, field);
    if (!call_has(c, field) || !text.n) return 0;
    if (str_eqz(text, "system")) return *ret = 0, 0;
    return fields_seconds_text(text, false, ret, fault) ? SYS_MOUNT_E_REFUSED : 0;
}

static int tune_ttls(struct mount *m, const struct call *c, struct fault *fault) {
    bool core = m->type == MOUNT_SYSTEM || m->type == MOUNT_IDENTITY || m->type == MOUNT_CUBBYHOLE;
    const char *said = call_str(c, "default_lease_ttl").n ? "default_lease_ttl"
                       : call_str(c, "max_lease_ttl").n   ? "max_lease_ttl"
                                                          : NULL;
    if (core && said)
        return fault_set(fault, SYS_MOUNT_E_REFUSED, "cannot tune parameter %s of %.*s", said,
                         STR_ARG(m->path));
    int r = tune_ttl(c, "default_lease_ttl", &m->default_ttl_s, fault);
    if (!r) r = tune_ttl(c, "max_lease_ttl", &m->max_ttl_s, fault);
    if (r || !said || m->default_ttl_s <= mount_max_ttl_s(m)) return r;
    return fault_set(fault, SYS_MOUNT_E_REFUSED,
                     "backend max lease TTL of %lld would be less than backend default lease TTL "
                     "of %lld",
                     (long long)mount_max_ttl_s(m), (long long)m->default_ttl_s);
}

static int tune_token_type(struct mount *m, const struct call *c, struct fault *fault) {
    if (!call_has(c, "token_type")) return 0;
    if (!mount_is_auth(m))
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "'token_type' can only be modified on auth mounts");
    if (m->type == MOUNT_TOKEN)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
    struct str type = call_str(c, "token_type");
    m->token_type = type.n ? type : STR("default-service");
    return check_token_type(m->token_type, fault);
}

static int tune_lockout(struct sys_mount_wish *w, const struct call *c, struct fault *fault) {
    const struct json *v = call_json(c, "user_lockout_config");
    if (!json_count(v)) return 0;
    if (w->mount.type != MOUNT_USERPASS)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "tuning of user lockout configuration for auth type \"%.*s\" not allowed",
                         STR_ARG(w->mount.shown_type));
    return read_lockout(w, v, fault);
}

// What is said takes the place of what was there; the rest stays. An empty value takes it away.
static void merge_pairs(struct buf *out, struct list old, struct list fresh) {
    struct str rest = old.packed, key, value;
    while (list_next(&rest, &key) && list_next(&rest, &value)) {
        if (list_value(fresh, key).p) continue;
        list_add(out, key);
        list_add(out, value);
    }
    rest = fresh.packed;
    while (list_next(&rest, &key) && list_next(&rest, &value)) {
        if (!value.n) continue;
        list_add(out, key);
        list_add(out, value);
    }
}

static int tune_options(struct sys_mount_wish *w, const struct call *c, struct fault *fault) {
    struct list fresh = call_list(c, "options");
    if (list_is_empty(fresh)) return 0;
    struct str version = list_value(fresh, STR("version"));
    int64_t number = 0;
    if (version.p && !parse_i64(version, &number))
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "unable to parse options: strconv.ParseInt: parsing \"%.*s\": invalid "
                         "syntax",
                         STR_ARG(version));
    if (version.p && number > 1)
        return fault_set(fault, SYS_MOUNT_E_REFUSED,
                         "only version 1 of the key/value store is served: version %lld cannot be "
                         "set",
                         (long long)number);
    struct buf *merged = sys_mount_room(w);
    merge_pairs(merged, w->mount.options, fresh);
    w->mount.options = list_of(merged);
    return 0;
}

int sys_mount_read_tune(struct sys_mount_wish *w, const struct call *c, struct fault *fault) {
    struct mount *m = &w->mount;
    int r = tune_ttls(m, c, fault);
    if (!r) r = tune_lockout(w, c, fault);
    if (!r && call_has(c, "listing_visibility"))
        r = check_visibility(call_str(c, "listing_visibility"), fault);
    if (!r) r = tune_token_type(m, c, fault);
    if (!r) r = tune_options(w, c, fault);
    if (r) return r;
    if (call_has(c, "description")) m->description = call_str(c, "description");
    if (call_has(c, "listing_visibility"))
        m->listing_visibility = call_str(c, "listing_visibility");
    for (size_t i = 0; i < LEN(list_rows); i++)
        if (call_has(c, list_rows[i].key))
            set_list(m, &list_rows[i], call_list(c, list_rows[i].key));
    return 0;
}
