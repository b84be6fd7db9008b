// SPDX-License-Identifier: Apache-2.0
// A write replaces the method: only what reference 2.3 says survives an omission is taken over from
// the one that was there.
#include "mfa/method.h"

#include <errno.h>

#include "identity/codec.h"
#include "identity/mount.h"
#include "json/write.h"

enum { URL_MAX_BYTES = 4096, UUID_MAX_BYTES = 64 };

static const struct codec_row rows[] = {
    {"name", CODEC_TEXT, offsetof(struct method, name)},
    {"id", CODEC_TEXT, offsetof(struct method, id)},
    {"mount_accessor", CODEC_TEXT, offsetof(struct method, mount_accessor)},
    {"username_format", CODEC_TEXT, offsetof(struct method, username_format)},
    {"org_name", CODEC_TEXT, offsetof(struct method, org_name)},
    {"api_token", CODEC_TEXT, offsetof(struct method, api_token)},
    {"base_url", CODEC_TEXT, offsetof(struct method, base_url)},
    {"production", CODEC_BOOL, offsetof(struct method, production)},
    {"primary_email", CODEC_BOOL, offsetof(struct method, primary_email)},
    {"okta_source", CODEC_TEXT, offsetof(struct method, okta_source)},
    {"remember_s", CODEC_INT, offsetof(struct method, remember_s)},
    {"number_matching", CODEC_BOOL, offsetof(struct method, number_matching)},
    {"share_challenge", CODEC_BOOL, offsetof(struct method, share_challenge)},
};

static const size_t texts[] = {
    offsetof(struct method, name),           offsetof(struct method, id),
    offsetof(struct method, mount_accessor), offsetof(struct method, username_format),
    offsetof(struct method, org_name),       offsetof(struct method, api_token),
    offsetof(struct method, base_url),       offsetof(struct method, okta_source),
};

static struct tree_key key_of_name(const void *item) {
    const struct method *m = item;
    return (struct tree_key){m->name, STR_NONE};
}

static struct tree_key key_of_id(const void *item) {
    const struct method *m = item;
    return (struct tree_key){m->id, STR_NONE};
}

// The type is written down, so that records of other types can be told apart one day.
static void method_encode(const void *record, struct buf *out) {
    json_open(out, '{');
    json_key(out, STR("type"));
    json_add_str(out, STR("okta"));
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int method_decode(void **ret, const struct json *v, struct fault *fault) {
    struct method draft = {0};
    AUTO_FINI(buf) struct buf none = buf_make(1);
    int r = codec_decode(rows, LEN(rows), v, &draft, &none, fault);
    if (r < 0) return r;
    if (!str_eqz(json_str(json_get(v, "type")), "okta"))
        return fault_set(fault, -EINVAL, "member \"type\" is not a type of method");
    return record_make(ret, &draft, sizeof draft, texts, LEN(texts), &method_type, RECORD_METHOD);
}

const struct record_type method_type = {
    .name = "method",
    .index = {{key_of_name, record_hold, record_drop}, {key_of_id, record_hold, record_drop}},
    .index_count = 2,
    .encode = method_encode,
    .decode = method_decode,
    .secret = true,
};

const struct method *method_get(const struct state *s, struct str name) {
    return state_get(s, RECORD_METHOD, 0, (struct tree_key){name, STR_NONE});
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A byte that no part of a web address can have as it is.
static bool is_foreign(char c) {
    return (unsigned char)c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c);
}

// What is wrong with the port behind the host, if there is one; NULL: nothing.
static const char *port_problem(struct str host) {
    if (str_starts(host, STR("["))) host = str_sub(host, str_find_char(host, ']'), host.n);
    struct str port = host;
    str_split(&port, ':');
    for (size_t i = 0; i < port.n; i++)
        if (!is_digit(port.p[i])) return "the port is not a number";
    return NULL;
}

// What is wrong with org_name.base_url as an address; NULL: nothing that can be seen. The API token
// goes there, so nothing may make the host another one than it seems.
static const char *address_problem(struct str address) {
    for (size_t i = 0; i < address.n; i++) {
        char c = address.p[i];
        if (is_foreign(c)) return "a blank or another character that cannot be in an address";
        if (c == '@' || c == '?' || c == '#')
            return "it must be a host name, perhaps with a port and a path";
        if (c == '%' &&
            (i + 2 >= address.n || !is_hex(address.p[i + 1]) || !is_hex(address.p[i + 2])))
            return "invalid URL escape";
    }
    if (str_find(address, STR("://")) < address.n) return "it must be without http:// or https://";
    struct str rest = address;
    struct str host = str_split(&rest, '/');
    if (str_find(host, STR("..")) < host.n) return "a part of the host name is empty";
    return port_problem(host);
}

static int check_address(struct str org_name, struct str base_url, struct fault *fault) {
    AUTO_FINI(buf) struct buf address = buf_make(URL_MAX_BYTES);
    buf_addf(&address, "%.*s.%.*s", STR_ARG(org_name), STR_ARG(base_url));
    const char *problem = address.error ? "it is too long" : address_problem(buf_str(&address));
    if (address.error == -ENOMEM) return -ENOMEM;
    if (!problem) return 0;
    AUTO_FINI(buf) struct buf shown = buf_make(URL_MAX_BYTES);
    json_add_text(&shown, str_sub(buf_str(&address), 0, 256));
    return fault_set(fault, METHOD_E_REFUSED, "error parsing given base_url: parse %.*s: %s",
                     STR_ARG(buf_str(&shown)), problem);
}

static int refuse_accessor(struct str accessor, struct fault *fault) {
    return fault_set(fault, METHOD_E_REFUSED, "invalid mount accessor \"%.*s\"", STR_ARG(accessor));
}

static struct str given_or(struct str given, struct str otherwise) {
    return given.p ? given : otherwise;
}

static struct str default_base_url(const struct method_write *w) {
    return w->has_production ? STR("") : STR("okta.com");
}

// What is beyond Vault: left out means off.
static void fill_beyond(const struct method_write *w, struct method *m) {
    m->okta_source = given_or(w->okta_source, STR(""));
    m->remember_s = w->remember_s;
    m->number_matching = w->number_matching;
    m->share_challenge = w->share_challenge;
}

// With a source's credentials there is no token of the method's own, and the org is the source's.
static int check_source(const struct method *m, struct fault *fault) {
    if (m->api_token.n)
        return fault_set(fault, METHOD_E_REFUSED,
                         "api_token and okta_source cannot both be set: with okta_source the "
                         "credentials are the source's");
    if (m->org_name.n)
        return fault_set(fault, METHOD_E_REFUSED,
                         "org_name and okta_source cannot both be set: the org is the source's");
    return 0;
}

// Reference 2.3, points 4 to 9.
static int fill(const struct state *s, const struct method_write *w, struct method *m,
                struct fault *fault) {
    if (w->mount_accessor.p && !mount_by_accessor(s, w->mount_accessor))
        return refuse_accessor(w->mount_accessor, fault);
    m->mount_accessor = given_or(w->mount_accessor, m->mount_accessor);
    m->username_format = given_or(w->username_format, m->username_format);
    if (!m->mount_accessor.n)
        return fault_set(fault, METHOD_E_REFUSED,
                         "mfa type \"okta\" requires a \"mount_accessor\" parameter");
    fill_beyond(w, m);
    bool own = m->okta_source.n == 0;
    if (own && !w->org_name.n) return fault_set(fault, METHOD_E_REFUSED, "org_name must be set");
    if (own && !w->api_token.n) return fault_set(fault, METHOD_E_REFUSED, "api_token must be set");
    m->org_name = given_or(w->org_name, STR(""));
    m->api_token = given_or(w->api_token, STR(""));
    m->base_url = given_or(w->base_url, default_base_url(w));
    m->production = w->has_production ? w->production : true;
    m->primary_email = w->primary_email;
    if (!own) return check_source(m, fault);
    return check_address(m->org_name, m->base_url.n ? m->base_url : STR("okta.com"), fault);
}

int method_put(struct draft *d, const struct method_write *w, struct fault *fault) {
    if (!w->name.n) return fault_set(fault, METHOD_E_REFUSED, "missing method name");
    AUTO_FINI(buf) struct buf id = buf_make(UUID_MAX_BYTES);
    struct method m = {.name = w->name, .username_format = STR("")};
    const struct method *old = method_get(d->state, w->name);
    if (old) {
        m.id = old->id;
        m.mount_accessor = old->mount_accessor;
        m.username_format = old->username_format;
    } else {
        int r = mount_new_uuid(&id);
        if (r < 0) return r;
        if (id.error) return id.error;
        m.id = buf_str(&id);
    }
    int r = fill(d->state, w, &m, fault);
    if (r) return r;
    void *made = NULL;
    r = record_make(&made, &m, sizeof m, texts, LEN(texts), &method_type, RECORD_METHOD);
    if (r < 0) return r;
    return draft_put(d, made);
}

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void add_flag(struct buf *out, const char *key, bool value) {
    json_key(out, str_from(key));
    json_add_bool(out, value);
}

// Clients that know Vault's fields see nothing else unless somebody set it.
static void add_beyond(struct buf *out, const struct method *m) {
    if (m->number_matching) add_flag(out, "number_matching", true);
    if (m->okta_source.n) add_text(out, "okta_source", m->okta_source);
    if (m->remember_s > 0) {
        json_key(out, STR("remember"));
        json_add_i64(out, m->remember_s);
    }
    if (m->share_challenge) add_flag(out, "share_challenge", true);
}

void method_write_json(const struct method *m, bool with_token, struct buf *out) {
    json_open(out, '{');
    if (with_token) add_text(out, "api_token", m->api_token);
    if (m->base_url.n) add_text(out, "base_url", m->base_url);
    add_text(out, "id", m->id);
    add_text(out, "mount_accessor", m->mount_accessor);
    add_text(out, "name", m->name);
    add_text(out, "namespace_id", STR(""));
    add_text(out, "namespace_path", STR(""));
    add_text(out, "org_name", m->org_name);
    add_flag(out, "primary_email", m->primary_email);
    add_flag(out, "production", m->production);
    add_text(out, "type", STR("okta"));
    add_text(out, "username_format", m->username_format);
    add_beyond(out, m);
    json_close(out, '}');
}

void method_url(const struct method *m, struct buf *out) {
    struct str otherwise = m->production ? STR("okta.com") : STR("oktapreview.com");
    buf_addf(out, "https://%.*s.%.*s", STR_ARG(m->org_name),
             STR_ARG(m->base_url.n ? m->base_url : otherwise));
}
