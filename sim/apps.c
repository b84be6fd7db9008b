// SPDX-License-Identifier: Apache-2.0
// One row per member, each with the function that reads its value.
#include "sim/apps.h"

#include <errno.h>

#include "json/write.h"

enum { WORDS_MAX_BYTES = 64 << 10 };

static const char *const auth_names[] = {"private_key_jwt", "client_secret_basic"};

static void key_fini(struct app_key *key) {
    crypto_key_free(key->key);
    free(key->kid);
    free(key->alg);
}

static struct app *app_free(struct app *app) {
    if (!app) return NULL;
    for (size_t i = 0; i < app->n_keys; i++) key_fini(&app->keys[i]);
    free(app->client_id);
    free(app->name);
    free(app->secret);
    free(app->scopes);
    free(app->grants);
    free(app);
    return NULL;
}
DEFINE_AUTO_FREE(app)

void apps_fini(struct apps *a) {
    for (size_t i = 0; i < a->n; i++) app_free(a->each[i]);
    free(a->each);
    *a = (struct apps){.each = NULL};
}

struct app *apps_find(const struct apps *a, struct str client_id) {
    for (size_t i = 0; i < a->n; i++)
        if (str_eqz(client_id, a->each[i]->client_id)) return a->each[i];
    return NULL;
}

bool apps_remove(struct apps *a, struct str client_id) {
    for (size_t i = 0; i < a->n; i++) {
        if (!str_eqz(client_id, a->each[i]->client_id)) continue;
        app_free(a->each[i]);
        a->each[i] = a->each[--a->n];
        return true;
    }
    return false;
}

bool app_has_word(const char *words, struct str word) {
    struct str rest = str_from(words);
    while (rest.p)
        if (str_eq(str_split(&rest, ' '), word)) return true;
    return false;
}

static int bad(struct fault *fault, const char *expected) {
    return fault_set(fault, APPS_E_BAD, "expected %s", expected);
}

static int read_text(char **place, const struct json *v, struct fault *fault) {
    struct str text = json_str(v);
    if (!text.n) return bad(fault, "a string that is not empty");
    char *copy = mem_copy(text.p, text.n);
    if (!copy) return -ENOMEM;
    free(*place);
    *place = copy;
    return 0;
}

static int read_bool(bool *place, const struct json *v, struct fault *fault) {
    if (json_type(v) != JSON_BOOL) return bad(fault, "true or false");
    *place = json_bool(v);
    return 0;
}

static bool is_word(struct str s) { return s.n && str_find_char(s, ' ') == s.n; }

static int read_words(char **place, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf words = buf_make(WORDS_MAX_BYTES);
    struct json_iter it = json_iter(v);
    if (json_type(v) != JSON_ARRAY) return bad(fault, "an array of strings");
    while (json_next(&it)) {
        if (!is_word(json_str(it.value))) return bad(fault, "an array of strings without blanks");
        if (words.n) buf_addc(&words, ' ');
        buf_add_str(&words, json_str(it.value));
    }
    char *text = buf_take(&words);
    if (!text) return -ENOMEM;
    free(*place);
    *place = text;
    return 0;
}

static int read_name(struct app *app, const struct json *v, struct fault *fault) {
    return read_text(&app->name, v, fault);
}

static int read_secret(struct app *app, const struct json *v, struct fault *fault) {
    return read_text(&app->secret, v, fault);
}

static int read_auth(struct app *app, const struct json *v, struct fault *fault) {
    for (size_t i = 0; i < LEN(auth_names); i++) {
        if (!str_eqz(json_str(v), auth_names[i])) continue;
        app->auth = (enum app_auth)i;
        return 0;
    }
    return bad(fault, "private_key_jwt or client_secret_basic");
}

static int read_integration(struct app *app, const struct json *v, struct fault *fault) {
    return read_bool(&app->integration, v, fault);
}

static int read_scopes(struct app *app, const struct json *v, struct fault *fault) {
    return read_words(&app->scopes, v, fault);
}

static int read_grants(struct app *app, const struct json *v, struct fault *fault) {
    return read_words(&app->grants, v, fault);
}

static int read_type(struct app *app, const struct json *v, struct fault *fault) {
    app->service = str_eqz(json_str(v), "service");
    return json_str(v).n ? 0 : bad(fault, "\"service\", or another type");
}

static int read_roles(struct app *app, const struct json *v, struct fault *fault) {
    return read_bool(&app->roles, v, fault);
}

static int read_dpop(struct app *app, const struct json *v, struct fault *fault) {
    return read_bool(&app->dpop, v, fault);
}

static int read_disabled(struct app *app, const struct json *v, struct fault *fault) {
    return read_bool(&app->disabled, v, fault);
}

static int read_share(struct app *app, const struct json *v, struct fault *fault) {
    int64_t share;
    if (!json_i64(v, &share) || share < 1 || share > 100)
        return bad(fault, "a percentage from 1 to 100");
    app->principal.share_percent = (uint64_t)share;
    return 0;
}

static int copy_optional(char **place, struct str text) {
    if (!text.n) return 0;
    *place = mem_copy(text.p, text.n);
    return *place ? 0 : -ENOMEM;
}

static int parse_key(struct app_key *key, const struct json *jwk, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(WORDS_MAX_BYTES);
    int e = json_add_value(&text, jwk);
    if (!e) e = text.error;
    if (!e) e = crypto_key_from_jwk(&key->key, buf_str(&text), fault);
    if (!e && crypto_key_is_private(key->key))
        e = fault_set(fault, APPS_E_BAD,
                      "a private key was given; only the public one belongs here");
    if (!e) e = copy_optional(&key->kid, json_str(json_get(jwk, "kid")));
    if (!e) e = copy_optional(&key->alg, json_str(json_get(jwk, "alg")));
    return e > 0 ? APPS_E_BAD : e;
}

static bool has_kid(const struct app *app, const char *kid) {
    for (size_t i = 0; kid && i < app->n_keys; i++)
        if (app->keys[i].kid && strcmp(app->keys[i].kid, kid) == 0) return true;
    return false;
}

static int add_key(struct app *app, const struct json *jwk, struct fault *fault) {
    struct app_key key = {.kid = NULL};
    int e = app->n_keys == APPS_KEYS_MAX ? bad(fault, "at most 50 keys") : 0;
    if (!e) e = parse_key(&key, jwk, fault);
    if (!e && has_kid(app, key.kid)) e = bad(fault, "keys whose kids differ");
    if (e) key_fini(&key);
    else app->keys[app->n_keys++] = key;
    return e;
}

static int add_keys(struct app *app, const struct json *v, struct fault *fault) {
    struct json_iter it = json_iter(v);
    int e = json_type(v) == JSON_ARRAY ? 0 : bad(fault, "an array of JWKs");
    while (!e && json_next(&it)) e = add_key(app, it.value, fault);
    return e;
}

static int read_jwks(struct app *app, const struct json *v, struct fault *fault) {
    const struct json *keys = json_get(v, "keys");
    if (json_type(keys) != JSON_ARRAY) return bad(fault, "{\"keys\": [JWKs]}");
    while (app->n_keys > 0) key_fini(&app->keys[--app->n_keys]);
    return add_keys(app, keys, fault);
}

static int remove_key(struct app *app, struct str kid, struct fault *fault) {
    for (size_t i = 0; i < app->n_keys; i++) {
        if (!app->keys[i].kid || !str_eqz(kid, app->keys[i].kid)) continue;
        key_fini(&app->keys[i]);
        app->keys[i] = app->keys[--app->n_keys];
        return 0;
    }
    return fault_set(fault, APPS_E_BAD, "there is no key \"%.*s\"", STR_ARG(kid));
}

static int remove_keys(struct app *app, const struct json *v, struct fault *fault) {
    struct json_iter it = json_iter(v);
    int e = json_type(v) == JSON_ARRAY ? 0 : bad(fault, "an array of kids");
    while (!e && json_next(&it)) e = remove_key(app, json_str(it.value), fault);
    return e;
}

static int read_client_id(struct app *app, const struct json *v, struct fault *fault) {
    (void)app;
    return is_word(json_str(v)) ? 0 : bad(fault, "a string without blanks");
}

static const struct member {
    const char *key;
    int (*read)(struct app *app, const struct json *v, struct fault *fault);
} members[] = {
    {"client_id", read_client_id},
    {"name", read_name},
    {"auth", read_auth},
    {"oin", read_integration},
    {"client_secret", read_secret},
    {"jwks", read_jwks},
    {"add_keys", add_keys},
    {"remove_keys", remove_keys},
    {"scopes", read_scopes},
    {"grant_types", read_grants},
    {"application_type", read_type},
    {"roles", read_roles},
    {"dpop", read_dpop},
    {"disabled", read_disabled},
    {"share", read_share},
};

static int read_member(struct app *app, struct str key, const struct json *v, struct fault *fault) {
    const char *names[LEN(members)];
    for (size_t i = 0; i < LEN(members); i++) {
        names[i] = members[i].key;
        if (!str_eqz(key, names[i])) continue;
        struct fault inner = {.text = ""};
        int e = members[i].read(app, v, &inner);
        return e > 0 ? fault_set(fault, e, "%s: %s", names[i], inner.text) : e;
    }
    const char *near = str_nearest(key, names, LEN(names));
    return fault_set(fault, APPS_E_BAD, "\"%.*s\" is not known here%s%s%s", STR_ARG(key),
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int read_members(struct app *app, const struct json *object, struct fault *fault) {
    struct json_iter it = json_iter(object);
    int e = 0;
    while (!e && json_next(&it)) e = read_member(app, it.key, it.value, fault);
    return e;
}

static int app_new(struct app **ret, struct str client_id) {
    AUTO(app) struct app *app = mem_new(sizeof *app);
    if (!app) return -ENOMEM;
    app->client_id = mem_copy(client_id.p, client_id.n);
    app->scopes = mem_copy("", 0);
    app->grants = mem_copy(STR("client_credentials").p, STR("client_credentials").n);
    app->service = app->roles = true;
    if (!app->client_id || !app->scopes || !app->grants) return -ENOMEM;
    *ret = TAKE(app);
    return 0;
}

static int check_whole(struct app *app, struct fault *fault) {
    if (app->auth != APP_CLIENT_SECRET_BASIC) return 0;
    app->integration = true;
    if (app->secret) return 0;
    return fault_set(fault, APPS_E_BAD, "client_secret: auth client_secret_basic needs one");
}

static int add_app(struct apps *a, const struct json *object, struct str client_id,
                   struct app **ret, struct fault *fault) {
    AUTO(app) struct app *app = NULL;
    int e = app_new(&app, client_id);
    if (!e) e = read_members(app, object, fault);
    if (!e) e = check_whole(app, fault);
    if (!e) e = mem_grow(&a->each, &a->cap, a->n + 1, sizeof(struct app *));
    if (e) return e;
    *ret = a->each[a->n++] = TAKE(app);
    return 0;
}

int apps_set(struct apps *a, const struct json *object, struct app **ret, struct fault *fault) {
    struct str client_id = json_str(json_get(object, "client_id"));
    if (!is_word(client_id))
        return fault_set(fault, APPS_E_BAD, "client_id: expected a string without blanks");
    struct app *app = apps_find(a, client_id);
    if (!app) return add_app(a, object, client_id, ret, fault);
    int e = read_members(app, object, fault);
    if (!e) e = check_whole(app, fault);
    if (!e) *ret = app;
    return e;
}

int apps_read(struct apps *a, const struct json *array, struct fault *fault) {
    if (json_type(array) != JSON_ARRAY)
        return fault_set(fault, APPS_E_BAD, "expected a JSON array of apps");
    struct json_iter it = json_iter(array);
    for (size_t n = 1; json_next(&it); n++) {
        struct fault inner = {.text = ""};
        struct app *app;
        int e = apps_set(a, it.value, &app, &inner);
        if (e > 0) return fault_set(fault, e, "app %zu: %s", n, inner.text);
        if (e) return e;
    }
    return 0;
}

static void add_text(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    if (value) json_add_text(out, str_from(value));
    else json_add_null(out);
}

static void add_words(struct buf *out, const char *key, const char *words) {
    struct str rest = str_from(words);
    json_key(out, str_from(key));
    json_open(out, '[');
    while (rest.n) json_add_text(out, str_split(&rest, ' '));
    json_close(out, ']');
}

static void add_flag(struct buf *out, const char *key, bool value) {
    json_key(out, str_from(key));
    json_add_bool(out, value);
}

static int add_jwks(struct buf *out, const struct app *app) {
    json_key(out, STR("jwks"));
    json_open(out, '{');
    json_key(out, STR("keys"));
    json_open(out, '[');
    int e = 0;
    for (size_t i = 0; !e && i < app->n_keys; i++) {
        json_comma(out);
        e = crypto_key_public_jwk(app->keys[i].key, true, out);
    }
    json_close(out, ']');
    json_close(out, '}');
    return e;
}

int app_write(struct buf *out, const struct app *app) {
    json_open(out, '{');
    add_text(out, "client_id", app->client_id);
    add_text(out, "name", app->name);
    add_text(out, "auth", auth_names[app->auth]);
    add_flag(out, "oin", app->integration);
    add_flag(out, "has_secret", app->secret != NULL);
    int e = add_jwks(out, app);
    add_words(out, "scopes", app->scopes);
    add_words(out, "grant_types", app->grants);
    add_flag(out, "service", app->service);
    add_flag(out, "roles", app->roles);
    add_flag(out, "dpop", app->dpop);
    add_flag(out, "disabled", app->disabled);
    json_key(out, STR("issued"));
    json_add_i64(out, (int64_t)app->issued);
    json_close(out, '}');
    return e;
}
