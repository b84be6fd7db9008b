// SPDX-License-Identifier: Apache-2.0
// One row per kind of factor, one per member that a factor is given by.
#include "sim/factors.h"

#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "sim/totp.h"
#include "json/write.h"

enum { PROFILE_MAX_BYTES = 64 << 10, SECRET_MAX_BYTES = 256, NEAR_STEPS = 1, FAR_STEPS = 10 };

static const struct factor_kind kinds[] = {
    {"push", "opf", "OKTA", "OKTA", FACTOR_BY_PUSH, METHOD_PUSH},
    {"token:software:totp", "ost", "OKTA", "OKTA", FACTOR_BY_CODE, METHOD_TOTP},
    {"token:hotp", "hot", "CUSTOM", "CUSTOM", FACTOR_BY_CODE, METHOD_TOTP},
    {"token:hardware", "ykk", "YUBICO", "YUBICO", FACTOR_BY_CODE, METHOD_TOTP},
    {"token", "rsa", "RSA", "RSA", FACTOR_BY_CODE, METHOD_TOTP},
    {"sms", "mbl", "OKTA", "OKTA", FACTOR_BY_MESSAGE, METHOD_SMS},
    {"call", "clf", "OKTA", "OKTA", FACTOR_BY_MESSAGE, METHOD_SMS},
    {"email", "emf", "OKTA", "OKTA", FACTOR_BY_MESSAGE, METHOD_SMS},
    {"question", "ufs", "OKTA", "OKTA", FACTOR_BY_QUESTION, METHOD_PASSWORD},
    {"u2f", "fuf", "FIDO", "FIDO", FACTOR_BY_BROWSER, METHOD_WEBAUTHN},
    {"webauthn", "fwf", "FIDO", "FIDO", FACTOR_BY_BROWSER, METHOD_WEBAUTHN},
    {"web", "dsw", "DUO", "DUO", FACTOR_BY_BROWSER, METHOD_WEBAUTHN},
    {"signed_nonce", "crp", "OKTA", "OKTA", FACTOR_BY_BROWSER, METHOD_FASTPASS},
};

static void factor_fini(struct factor *f) {
    free(f->name);
    free(f->profile);
    free(f->codes);
    buf_wipe(&f->secret);
}
DEFINE_AUTO_FINI(factor)

void factors_fini(struct factors *f) {
    for (size_t i = 0; i < f->n; i++) factor_fini(&f->each[i]);
    free(f->each);
    *f = (struct factors){.each = NULL};
}

bool factor_is_active(const struct factor *f) { return strcmp(f->status, "ACTIVE") == 0; }

struct factor *factors_find(const struct factors *f, struct str name) {
    struct factor *found = NULL;
    for (size_t i = 0; i < f->n; i++) {
        struct factor *one = &f->each[i];
        if (str_eqz(name, one->id)) return one;
        if (!str_eqz(name, one->kind->type)) continue;
        if (!found || (factor_is_active(one) && !factor_is_active(found))) found = one;
    }
    return found;
}

// ---- reading

static int bad(struct fault *fault, const char *expected) {
    return fault_set(fault, FACTORS_E_BAD, "expected %s", expected);
}

static int read_kind(struct factor *f, const struct json *v, struct fault *fault) {
    const char *names[LEN(kinds)];
    for (size_t i = 0; i < LEN(kinds); i++) {
        names[i] = kinds[i].type;
        if (!str_eqz(json_str(v), names[i])) continue;
        f->kind = &kinds[i];
        snprintf(f->provider, sizeof f->provider, "%s", kinds[i].provider);
        snprintf(f->vendor, sizeof f->vendor, "%s", kinds[i].vendor);
        return 0;
    }
    const char *near = str_nearest(json_str(v), names, LEN(names));
    return fault_set(fault, FACTORS_E_BAD, "\"%.*s\" is not a type of factor%s%s%s",
                     STR_ARG(json_str(v)), near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
}

static int read_short(char *place, size_t size, const struct json *v, struct fault *fault) {
    struct str text = json_str(v);
    if (!text.n || text.n >= size) return bad(fault, "a short string");
    snprintf(place, size, "%.*s", STR_ARG(text));
    return 0;
}

static int read_id(struct factor *f, const struct json *v, struct fault *fault) {
    return read_short(f->id, sizeof f->id, v, fault);
}

static int read_provider(struct factor *f, const struct json *v, struct fault *fault) {
    int e = read_short(f->provider, sizeof f->provider, v, fault);
    if (!e) snprintf(f->vendor, sizeof f->vendor, "%s", f->provider);
    return e;
}

static int read_vendor(struct factor *f, const struct json *v, struct fault *fault) {
    return read_short(f->vendor, sizeof f->vendor, v, fault);
}

static int read_status(struct factor *f, const struct json *v, struct fault *fault) {
    static const char *const known[] = {
        "ACTIVE", "PENDING_ACTIVATION", "INACTIVE", "ENROLLED", "DISABLED", "EXPIRED", "NOT_SETUP"};
    for (size_t i = 0; i < LEN(known); i++)
        if (str_eqz(json_str(v), known[i]))
            return read_short(f->status, sizeof f->status, v, fault);
    return bad(fault, "a status such as ACTIVE, PENDING_ACTIVATION or INACTIVE");
}

static int read_instant(int64_t *place, const struct json *v, struct fault *fault) {
    if (time_parse_iso8601(json_str(v), place)) return 0;
    return bad(fault, "an instant such as \"2026-11-22T10:00:00Z\"");
}

static int read_created(struct factor *f, const struct json *v, struct fault *fault) {
    f->updated_ms = 0;
    int e = read_instant(&f->created_ms, v, fault);
    if (!e) f->updated_ms = f->created_ms;
    return e;
}

static int read_updated(struct factor *f, const struct json *v, struct fault *fault) {
    return read_instant(&f->updated_ms, v, fault);
}

static int read_text(char **place, const struct json *v, struct fault *fault) {
    struct str text = json_str(v);
    if (!text.n) return bad(fault, "a string that is not empty");
    free(*place);
    *place = mem_copy(text.p, text.n);
    return *place ? 0 : -ENOMEM;
}

static int read_name(struct factor *f, const struct json *v, struct fault *fault) {
    return read_text(&f->name, v, fault);
}

static int read_codes(struct factor *f, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf words = buf_make(PROFILE_MAX_BYTES);
    struct json_iter it = json_iter(v);
    if (json_type(v) == JSON_STRING) return read_text(&f->codes, v, fault);
    if (json_type(v) != JSON_ARRAY) return bad(fault, "an array of codes");
    while (json_next(&it)) {
        struct str code = json_str(it.value);
        if (!code.n || str_find_char(code, '\n') < code.n) return bad(fault, "an array of codes");
        if (words.n) buf_addc(&words, '\n');
        buf_add_str(&words, code);
    }
    free(f->codes);
    f->codes = buf_take(&words);
    return f->codes ? 0 : -ENOMEM;
}

static int read_secret(struct factor *f, const struct json *v, struct fault *fault) {
    buf_wipe(&f->secret);
    f->secret = buf_make(SECRET_MAX_BYTES);
    if (totp_read_secret(&f->secret, json_str(v))) return f->secret.error;
    return bad(fault, "a secret in base32");
}

// A profile is read last, when the kind and the name are known.
static int read_later(struct factor *f, const struct json *v, struct fault *fault) {
    (void)f;
    return json_type(v) == JSON_OBJECT ? 0 : bad(fault, "an object");
}

static int read_nothing(struct factor *f, const struct json *v, struct fault *fault) {
    (void)f;
    (void)v;
    (void)fault;
    return 0;
}

// In the order in which they are read: the kind brings its provider along.
static const struct member {
    const char *key;
    int (*read)(struct factor *f, const struct json *v, struct fault *fault);
} members[] = {
    {"factorType", read_kind},   {"id", read_id},         {"provider", read_provider},
    {"vendorName", read_vendor}, {"status", read_status}, {"created", read_created},
    {"name", read_name},         {"profile", read_later}, {"lastUpdated", read_updated},
    {"codes", read_codes},       {"secret", read_secret}, {"_links", read_nothing},
    {"_embedded", read_nothing},
};

static int check_members(const struct json *object, struct fault *fault) {
    const char *names[LEN(members)];
    struct json_iter it = json_iter(object);
    for (size_t i = 0; i < LEN(members); i++) names[i] = members[i].key;
    while (json_next(&it)) {
        size_t i = 0;
        while (i < LEN(members) && !str_eqz(it.key, names[i])) i++;
        if (i < LEN(members)) continue;
        const char *near = str_nearest(it.key, names, LEN(names));
        return fault_set(fault, FACTORS_E_BAD, "\"%.*s\" is not known here%s%s%s", STR_ARG(it.key),
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

static int read_members(struct factor *f, const struct json *object, struct fault *fault) {
    for (size_t i = 0; i < LEN(members); i++) {
        const struct json *v = json_get(object, members[i].key);
        struct fault inner = {.text = ""};
        // Without a type there is nothing to begin with.
        int e = v || i == 0 ? members[i].read(f, v, &inner) : 0;
        if (e > 0) return fault_set(fault, e, "%s: %s", members[i].key, inner.text);
        if (e) return e;
    }
    return 0;
}

static void add_default(struct buf *out, const struct json *profile, const char *key,
                        const char *value) {
    if (json_get(profile, key) || !value) return;
    json_key(out, str_from(key));
    json_add_text(out, str_from(value));
}

// What is given, and what Okta would have besides.
static int write_profile(struct buf *out, const struct factor *f, const struct json *profile,
                         const char *login) {
    bool push = f->kind->answer == FACTOR_BY_PUSH;
    bool iphone = !f->name || !strstr(f->name, "Pixel");
    struct json_iter it = json_iter(profile);
    int e = 0;
    json_open(out, '{');
    add_default(out, profile, "credentialId", login);
    add_default(out, profile, "deviceType",
                !push    ? NULL
                : iphone ? "SmartPhone_IPhone"
                         : "SmartPhone_Android");
    add_default(out, profile, "name", f->name);
    add_default(out, profile, "platform", !push ? NULL : iphone ? "IOS" : "ANDROID");
    add_default(out, profile, "version", push ? "9.29.0" : NULL);
    while (!e && json_next(&it)) {
        json_key(out, it.key);
        e = json_add_value(out, it.value);
    }
    json_close(out, '}');
    return e ? e : out->error;
}

static int make_profile(struct factor *f, const struct json *profile, const char *login) {
    AUTO_FINI(buf) struct buf text = buf_make(PROFILE_MAX_BYTES);
    struct str name = json_str(json_get(profile, "name"));
    if (name.n) {
        free(f->name);
        f->name = mem_copy(name.p, name.n);
        if (!f->name) return -ENOMEM;
    }
    int e = write_profile(&text, f, profile, login);
    if (e) return e;
    f->profile = buf_take(&text);
    return f->profile ? 0 : -ENOMEM;
}

static int read_one(struct factor *f, const struct json *object, const struct factors_owner *owner,
                    struct fault *fault) {
    if (json_type(object) != JSON_OBJECT) return bad(fault, "an object");
    int e = check_members(object, fault);
    if (!e) e = read_members(f, object, fault);
    if (e) return e;
    if (!f->id[0]) company_id(f->id, f->kind->prefix, owner->rand);
    e = make_profile(f, json_get(object, "profile"), owner->login);
    return e == -ELOOP || e == -EMSGSIZE ? bad(fault, "a smaller profile") : e;
}

static int add_one(struct factors *list, const struct json *object,
                   const struct factors_owner *owner, struct fault *fault) {
    AUTO_FINI(factor)
    struct factor f = {
        .status = "ACTIVE", .created_ms = owner->now_ms, .updated_ms = owner->now_ms};
    int e = read_one(&f, object, owner, fault);
    if (e) return e;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->each[i].id, f.id) == 0)
            return fault_set(fault, FACTORS_E_BAD, "id: \"%s\" is there already", f.id);
    e = mem_grow(&list->each, &list->cap, list->n + 1, sizeof *list->each);
    if (e) return e;
    list->each[list->n++] = f;
    f = (struct factor){.kind = NULL};
    return 0;
}

int factors_read(struct factors *ret, const struct json *array, const struct factors_owner *owner,
                 struct fault *fault) {
    struct factors list = {.each = NULL};
    struct json_iter it = json_iter(array);
    int e = json_type(array) == JSON_ARRAY ? 0 : bad(fault, "an array of factors");
    for (size_t i = 1; !e && json_next(&it); i++) {
        struct fault inner = {.text = ""};
        e = add_one(&list, it.value, owner, &inner);
        if (e > 0) fault_set(fault, e, "factor %zu: %s", i, inner.text);
    }
    if (e) factors_fini(&list);
    else *ret = list;
    return e;
}

// ---- judging

static bool is_listed(const struct factor *f, struct str code) {
    struct str rest = str_from(f->codes);
    while (rest.n)
        if (crypto_equal(str_split(&rest, '\n'), code)) return true;
    return false;
}

static enum factor_judgement judge_step(struct factor *f, uint64_t step, uint64_t now) {
    uint64_t away = step > now ? step - now : now - step;
    if (away > NEAR_STEPS) return FACTOR_LATE;
    if (step <= f->used_step) return FACTOR_REPLAYED;
    f->used_step = step;
    return FACTOR_RIGHT;
}

static int judge_totp(struct factor *f, struct str code, int64_t now_ms,
                      enum factor_judgement *ret) {
    uint64_t now = totp_step(now_ms);
    for (uint64_t step = now - FAR_STEPS; step <= now + FAR_STEPS; step++) {
        char right[TOTP_CODE_MAX];
        int e = totp_code(buf_str(&f->secret), step, right);
        if (e) return e;
        if (!crypto_equal(str_from(right), code)) continue;
        *ret = judge_step(f, step, now);
        return 0;
    }
    return 0;
}

int factor_judge(struct factor *f, struct str code, int64_t now_ms, enum factor_judgement *ret) {
    *ret = is_listed(f, code) ? FACTOR_RIGHT : FACTOR_WRONG;
    if (*ret == FACTOR_RIGHT || f->secret.n == 0) return 0;
    return judge_totp(f, code, now_ms, ret);
}

// ---- writing

static void add_text(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    json_add_text(out, str_from(value));
}

static void add_instant(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    add_text(out, key, text);
}

static void add_link(struct buf *out, const char *name, struct str user_url, const char *rest,
                     const char *allow) {
    AUTO_FINI(buf) struct buf url = buf_make(PROFILE_MAX_BYTES);
    buf_add_str(&url, user_url);
    buf_addz(&url, rest);
    json_key(out, str_from(name));
    json_open(out, '{');
    json_key(out, STR("href"));
    json_add_text(out, buf_str(&url));
    json_key(out, STR("hints"));
    buf_addf(out, "{\"allow\":%s}}", allow);
}

static void add_links(struct buf *out, const struct factor *f, struct str user_url) {
    char rest[COMPANY_ID_MAX + 32];
    json_key(out, STR("_links"));
    json_open(out, '{');
    snprintf(rest, sizeof rest, "/factors/%s", f->id);
    add_link(out, "self", user_url, rest, "[\"GET\",\"DELETE\"]");
    snprintf(rest, sizeof rest, "/factors/%s/verify", f->id);
    if (f->kind->answer != FACTOR_BY_BROWSER) add_link(out, "verify", user_url, rest, "[\"POST\"]");
    add_link(out, "user", user_url, "", "[\"GET\"]");
    json_close(out, '}');
}

void factor_write(struct buf *out, const struct factor *f, struct str user_url) {
    json_open(out, '{');
    add_text(out, "id", f->id);
    add_text(out, "factorType", f->kind->type);
    add_text(out, "provider", f->provider);
    add_text(out, "vendorName", f->vendor);
    add_text(out, "status", f->status);
    add_instant(out, "created", f->created_ms);
    add_instant(out, "lastUpdated", f->updated_ms);
    json_key(out, STR("profile"));
    json_add_raw(out, str_from(f->profile));
    add_links(out, f, user_url);
    json_close(out, '}');
}
