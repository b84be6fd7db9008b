// SPDX-License-Identifier: Apache-2.0
// Rules over more than one key, and the defaults that depend on others. What the rows have refused
// already may be missing here.
#include <errno.h>
#include <stdio.h>

#include "daemon/settings-internal.h"
#include "http/url.h"

#define LOG_PATH "/api/v1/logs"

enum { NAME_MAX_BYTES = 255, HOST_IN_NAME_MAX_BYTES = 240 };

static bool has_only(struct str text, const char *allowed) {
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(allowed, text.p[i])) return false;
    return true;
}

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define NAME_CHARACTERS LOWER UPPER DIGITS "._:-"

void settings_check_name(struct conf_load *load, const char *name, const struct conf_node *map) {
    struct str s = str_from(name);
    if (s.n == 0) return;
    if (s.n > NAME_MAX_BYTES || !has_only(s, NAME_CHARACTERS))
        conf_wrong(load, map, "name",
                   "expected at most 255 letters, digits, and the characters . _ : -");
    else if (has_only(s, DIGITS))
        conf_wrong(load, map, "name",
                   "only digits, which --set would take for an index; expected "
                   "a letter in it");
}

// ---- url ----

static struct str first_label(const struct http_origin *o) {
    struct str host = str_from(o->host);
    return str_split(&host, '.');
}

// The org's own host and port, as they stand in the URL.
static struct str authority_of(struct str url) {
    struct str rest = str_sub(url, str_find(url, STR("://")) + 3, url.n);
    return str_sub(rest, 0, strcspn(rest.p, "/?#"));
}

static void check_admin_host(struct conf_load *load, const struct http_origin *o, const char *key,
                             const char *path, const struct conf_node *map) {
    struct str label = first_label(o);
    int org = (int)(label.n - (sizeof "-admin" - 1));
    conf_wrong(load, map, key, "%s is the address of the admin console, expected %s://%.*s%s%s",
               o->host, o->scheme, org, label.p, o->host + label.n, path);
}

bool settings_check_host(struct conf_load *load, const struct http_origin *o, struct str url,
                         const char *key, const char *path, const struct conf_node *map) {
    if (str_eqz(str_from(o->scheme), "http") && !http_origin_is_loopback(o)) {
        conf_wrong(load, map, key,
                   "http would send the credentials in the clear, expected "
                   "https://%.*s%s",
                   STR_ARG(authority_of(url)), path);
        return false;
    }
    if (!str_ends(first_label(o), STR("-admin"))) return true;
    check_admin_host(load, o, key, path, map);
    return false;
}

static int check_url(struct conf_load *load, const struct settings_source *source,
                     const struct conf_node *map) {
    struct http_origin o;
    struct fault fault = {0};
    struct str s = str_from(source->url);
    int rc = http_origin_parse(s, &o, &fault);
    if (rc == -ENOMEM) return rc;
    if (rc) {
        conf_wrong(load, map, "url", "%s, expected one like https://acme.okta.com" LOG_PATH,
                   fault.text);
        return 0;
    }
    if (source->allow_any_url) return 0;
    if (!settings_check_host(load, &o, s, "url", LOG_PATH, map)) return 0;
    struct str authority = authority_of(s);
    struct str path = str_sub(s, (size_t)(authority.p - s.p) + authority.n, s.n);
    if (!str_eq(path, STR(LOG_PATH)))
        conf_wrong(load, map, "url", "has %s%.*s behind the host, expected %s://%.*s" LOG_PATH,
                   path.n ? "" : "nothing", path.n > 200 ? 200 : (int)path.n, path.n ? path.p : "",
                   o.scheme, STR_ARG(authority));
    return 0;
}

// ---- ssl ----

int settings_check_ssl(struct conf_load *load, void *object, const struct conf_node *map) {
    const struct settings_ssl *ssl = object;
    struct fault fault = {{0}};
    for (size_t i = 0; i < ssl->supported_protocol_count; i++)
        if (!str_eqz(STR("TLSv1.2"), ssl->supported_protocols[i]) &&
            !str_eqz(STR("TLSv1.3"), ssl->supported_protocols[i])) {
            conf_wrong(load, map, "supported_protocols",
                       "expected TLSv1.2, TLSv1.3 or both; what is older is not safe");
            return 0;
        }
    struct http_tls tls = settings_tls(ssl);
    if (load->env != &conf_env_system) { // a test's or fuzzer's: its files are not in the system
        tls.certificate_authority_count = 0;
        tls.certificate = tls.key = NULL;
    }
    int rc = http_tls_check(&tls, &fault);
    if (rc == -ENOMEM) return rc;
    struct str rest = str_from(fault.text);
    struct str key = str_split(&rest, ':');
    char name[64];
    if (!rc) return 0;
    str_split(&key, '.'); // "ssl.key: why"
    snprintf(name, sizeof name, "%.*s", STR_ARG(key));
    conf_wrong(load, map, name, "%.*s", STR_ARG(str_trim(rest)));
    return 0;
}

struct http_tls settings_tls(const struct settings_ssl *ssl) {
    bool old = false, new = false;
    for (size_t i = 0; i < ssl->supported_protocol_count; i++)
        if (str_eqz(STR("TLSv1.2"), ssl->supported_protocols[i])) old = true;
        else new = true;
    return (struct http_tls){
        .certificate_authorities = ssl->certificate_authorities,
        .certificate_authority_count = ssl->certificate_authority_count,
        .ca_trusted_fingerprint = ssl->ca_trusted_fingerprint,
        .verify = (enum http_verify)ssl->verification_mode,
        .certificate = ssl->certificate,
        .key = ssl->key,
        .key_passphrase = ssl->key_passphrase,
        .oldest = new && !old ? HTTP_TLS_1_3 : HTTP_TLS_1_2,
        .newest = old && !new ? HTTP_TLS_1_2 : HTTP_TLS_1_3,
        .cipher_suites = ssl->cipher_suites,
        .cipher_suite_count = ssl->cipher_suite_count,
    };
}

bool settings_same_ssl(const struct settings_ssl *a, const struct settings_ssl *b) {
    return conf_same(&settings_ssl_table, a, b);
}

int settings_check_source(struct conf_load *load, void *object, const struct conf_node *map) {
    struct settings_source *source = object;
    settings_check_name(load, source->name, map);
    int rc = settings_check_auth(load, source, map);
    return rc || !source->url ? rc : check_url(load, source, map);
}

int settings_check_data_stream(struct conf_load *load, void *object, const struct conf_node *map) {
    const struct settings_data_stream *stream = object;
    struct str s = str_from(stream->namespace);
    if (s.n > 100 || !has_only(s, LOWER DIGITS "_."))
        conf_wrong(load, map, "namespace",
                   "expected at most 100 lower-case letters, digits, and the characters _ .");
    return 0;
}

// ---- all together ----

static const struct conf_node *nth(const struct conf_node *root, const char *list, size_t i) {
    return conf_node_item(conf_node_get(root, str_from(list)), i);
}

static bool source_name_is_taken(const struct settings *s, size_t before, const char *name) {
    for (size_t i = 0; i < before; i++)
        if (s->sources[i].name && strcmp(s->sources[i].name, name) == 0) return true;
    return false;
}

// The host as a name: the brackets of an IPv6 address, and what else no name may have, are left
// out.
static void add_host_name(const char *host, struct buf *name) {
    for (; *host && name->n < HOST_IN_NAME_MAX_BYTES; host++)
        if (strchr(NAME_CHARACTERS, *host)) buf_addc(name, *host);
}

static int default_source_name(struct conf_load *load, struct settings *s, size_t i) {
    struct settings_source *source = &s->sources[i];
    struct http_origin o;
    if (source->name || !source->url) return 0;
    int rc = http_origin_parse(str_from(source->url), &o, NULL);
    if (rc) return rc == -ENOMEM ? rc : 0;
    AUTO_FINI(buf) struct buf name = buf_make(512);
    add_host_name(o.host, &name);
    if (has_only(buf_str(&name), DIGITS)) buf_addz(&name, "-host");
    const char *z = buf_z(&name);
    if (z && source_name_is_taken(s, i, z)) buf_addf(&name, ":%d", o.port);
    source->name = arena_text(load->arena, buf_str(&name));
    return source->name && !name.error ? 0 : -ENOMEM;
}

static int name_sources(struct conf_load *load, struct settings *s, const struct conf_node *root) {
    for (size_t i = 0; i < s->source_count; i++) {
        int rc = default_source_name(load, s, i);
        if (rc) return rc;
        const char *name = s->sources[i].name;
        if (name && strcmp(name, SETTINGS_GATE_NAME) == 0)
            conf_wrong(load, nth(root, "sources", i), "name",
                       "the gate's own documents are called so, expected another name");
        if (name && source_name_is_taken(s, i, name))
            conf_wrong(load, nth(root, "sources", i), "name",
                       "another source is called %s already, expected a `name` of its own", name);
    }
    return 0;
}

static const struct settings_output *find_output(const struct settings *s, size_t before,
                                                 const char *name) {
    for (size_t i = 0; i < before; i++)
        if (s->outputs[i].name && strcmp(s->outputs[i].name, name) == 0) return &s->outputs[i];
    return NULL;
}

// An output's type is -1 where the file has none or a wrong one.
static bool has_type(const struct settings_output *output) { return (int)output->type >= 0; }

static void name_outputs(struct conf_load *load, struct settings *s, const struct conf_node *root) {
    for (size_t i = 0; i < s->output_count; i++) {
        struct settings_output *output = &s->outputs[i];
        if (!output->name && has_type(output))
            output->name = settings_output_type_name(output->type);
        if (output->name && find_output(s, i, output->name))
            conf_wrong(load, nth(root, "outputs", i), "name",
                       "another output is called %s already, expected a `name` of its own",
                       output->name);
    }
}

// Bytes of a path's next part that means something: not "", not ".". Takes it off.
static struct str next_part(struct str *path) {
    struct str part = STR_NONE;
    while (path->p && (part.n == 0 || str_eq(part, STR(".")))) part = str_split(path, '/');
    return str_eq(part, STR(".")) ? STR_NONE : part;
}

static bool same_path(const char *a, const char *b) {
    struct str left = str_from(a), right = str_from(b);
    if (str_starts(left, STR("/")) != str_starts(right, STR("/"))) return false;
    while (left.p || right.p)
        if (!str_eq(next_part(&left), next_part(&right))) return false;
    return true;
}

static bool same_place(const struct settings_output *a, const struct settings_output *b) {
    if (a->type != b->type || !has_type(a)) return false;
    if (a->type == SETTINGS_STDOUT) return true;
    // An engine takes each event once, whoever brings it; brokers tell producers apart by the id.
    if (a->type > SETTINGS_SQLITE) return false;
    if (!a->path || !b->path || !same_path(a->path, b->path)) return false;
    return a->type == SETTINGS_SQLITE ||
           (a->filename && b->filename && strcmp(a->filename, b->filename) == 0);
}

static void check_places(struct conf_load *load, const struct settings *s,
                         const struct conf_node *root) {
    for (size_t i = 0; i < s->output_count; i++)
        for (size_t j = 0; j < i; j++)
            if (same_place(&s->outputs[i], &s->outputs[j]))
                conf_wrong(load, nth(root, "outputs", i),
                           s->outputs[i].type == SETTINGS_STDOUT ? "type" : "path",
                           "writes to the same place as output %s, expected another one",
                           s->outputs[j].name ? s->outputs[j].name : "before it");
}

static void say_no_output(struct conf_load *load, const struct settings *s,
                          const struct conf_node *source, const char *name) {
    AUTO_FINI(buf) struct buf names = buf_make(16384);
    for (size_t i = 0; i < s->output_count; i++)
        if (s->outputs[i].name) buf_addf(&names, "%s%s", names.n ? ", " : "", s->outputs[i].name);
    char quoted[CONF_QUOTE_MAX];
    conf_wrong(load, source, "outputs", "no output is called %s, expected some of: %.*s",
               conf_quote(str_from(name), quoted), STR_ARG(buf_str(&names)));
}

// `node`: the table that `outputs` stands in.
static void check_chosen(struct conf_load *load, const struct settings *s, const char *const *names,
                         size_t n, const struct conf_node *node) {
    for (size_t k = 0; k < n; k++) {
        if (!find_output(s, s->output_count, names[k])) say_no_output(load, s, node, names[k]);
        for (size_t before = 0; before < k; before++)
            if (strcmp(names[before], names[k]) == 0)
                conf_wrong(load, node, "outputs", "%s stands there twice", names[k]);
    }
}

// With a broken list of outputs, nobody can say which names it would have had.
static void check_all_chosen(struct conf_load *load, const struct settings *s,
                             const struct conf_node *root) {
    if (s->output_count == 0) return;
    for (size_t i = 0; i < s->source_count; i++)
        check_chosen(load, s, s->sources[i].outputs, s->sources[i].output_count,
                     nth(root, "sources", i));
    check_chosen(load, s, s->gate.outputs, s->gate.output_count, conf_node_get(root, STR("gate")));
}

// systemd gives a list with colons when a unit has several state directories.
static int default_state(struct conf_load *load, struct settings *s) {
    if (s->state) return 0;
    struct str given = str_from(load->env->variable(load->env->ctx, "STATE_DIRECTORY"));
    struct str first = str_split(&given, ':');
    s->state = first.n ? arena_text(load->arena, first) : "gatehouse-state";
    return s->state ? 0 : -ENOMEM;
}

// Where there is no gate, there is something to collect, and a place for it.
static void check_purpose(struct conf_load *load, const struct conf_node *root) {
    bool gate = conf_node_get(root, STR("listen"));
    bool sources = conf_node_get(root, STR("sources"));
    if (load->partial) return;
    if (!sources && !gate)
        conf_wrong(load, root, "sources",
                   "is missing, expected a list of tables, each element with a dash");
    if (!conf_node_get(root, STR("outputs")) && (sources || !gate))
        conf_wrong(load, root, "outputs",
                   "is missing, expected a list of tables, each element with a dash");
}

int settings_check_all(struct conf_load *load, void *object, const struct conf_node *map) {
    struct settings *s = object;
    int rc = default_state(load, s);
    if (!rc) rc = settings_check_master_key(load, s, map);
    if (!rc) rc = name_sources(load, s, map);
    if (rc) return rc;
    name_outputs(load, s, map);
    rc = settings_check_outputs(load, s, map);
    if (rc) return rc;
    check_purpose(load, map);
    check_places(load, s, map);
    check_all_chosen(load, s, map);
    settings_check_addresses(load, s, map);
    if (!s->listen.address || s->output_count == 0) s->gate.audit = false;
    return 0;
}
