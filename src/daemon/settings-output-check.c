// SPDX-License-Identifier: Apache-2.0
// Rules over several keys of an output, and between outputs.
#include <errno.h>

#include "base/time.h"
#include "daemon/settings-internal.h"

enum { ELASTIC_TIMEOUT_MS = 90 * TIME_SECOND_MS, KAFKA_TIMEOUT_MS = 30 * TIME_SECOND_MS };

static bool is_engine(const struct settings_output *o) {
    return o->type == SETTINGS_ELASTICSEARCH || o->type == SETTINGS_OPENSEARCH;
}

static bool is_file(const struct settings_output *o) {
    return o->type == SETTINGS_FILE || o->type == SETTINGS_SQLITE;
}

static bool is_set(const struct conf_node *map, const char *key) {
    return map && conf_node_get(map, str_from(key));
}

// ---- files ----

static void check_file(struct conf_load *load, const struct settings_output *o,
                       const struct conf_node *map) {
    struct str file = str_from(o->filename);
    if (is_file(o) && !o->path && !is_set(map, "path") && !load->partial)
        conf_wrong(load, map, "path", "is missing, expected a path, such as /var/log/okta");
    if (str_find_char(file, '/') < file.n || str_starts(file, STR(".")))
        conf_wrong(load, map, "filename",
                   "expected a name without / and without a dot at its start; the directory goes "
                   "into `path`");
    if (o->number_of_files == 1)
        conf_wrong(load, map, "number_of_files",
                   "1 would delete the only file at every rotation, expected 0 (all) or 2 to 1024");
}

// ---- engines and brokers ----

static void check_credentials(struct conf_load *load, const struct settings_output *o,
                              const struct conf_node *map) {
    if (o->api_key && (o->username || o->password))
        conf_wrong(load, map, "api_key",
                   "there is a username or password too, expected one way to sign in");
    else if (o->username && !o->password)
        conf_wrong(load, map, "password", "is missing, expected the password of `username`");
    else if (o->password && !o->username)
        conf_wrong(load, map, "username", "is missing, expected whose `password` it is");
}

static bool is_token(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)) return false;
    }
    return name.n > 0;
}

// RFC 9110, 5.1 and 5.5; what we set ourselves is not to be said twice.
static void check_header(struct conf_load *load, const char *pair, const struct conf_node *map) {
    static const char *const ours[] = {"authorization", "content-type", "content-length",
                                       "content-encoding", "host"};
    struct str value = str_from(pair);
    struct str name = str_split(&value, '=');
    if (!is_token(name))
        conf_wrong(load, map, "headers", "%.*s is no name of a header", STR_ARG(name));
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') {
            conf_wrong(load, map, "headers", "%.*s has a control character in its value",
                       STR_ARG(name));
            return;
        }
    for (size_t i = 0; i < LEN(ours); i++)
        if (str_eq_nocase(name, str_from(ours[i])))
            conf_wrong(load, map, "headers", "%.*s is set by the program itself%s", STR_ARG(name),
                       i == 0 ? "; expected `username` or `api_key`" : "");
}

static bool is_in_clear(const char *host, int protocol) {
    struct str s = str_from(host);
    struct http_origin o;
    if (str_find(s, STR("://")) == s.n) return protocol == 0;
    return http_origin_parse(s, &o, NULL) == 0 && strcmp(o.scheme, "http") == 0;
}

static void check_engine(struct conf_load *load, struct settings_output *o,
                         const struct conf_node *map) {
    for (size_t i = 0; i < o->header_count; i++) check_header(load, o->headers[i], map);
    if (!is_set(map, "compression_level")) o->compression_level = 1;
    if (o->compression_level > 9)
        conf_wrong(load, map, "compression_level", "%lld, expected a whole number from 0 to 9",
                   (long long)o->compression_level);
    if (!o->timeout_ms) o->timeout_ms = ELASTIC_TIMEOUT_MS;
    if (o->proxy_disable && o->proxy_url)
        conf_wrong(load, map, "proxy_disable", "there is a proxy_url, expected one of the two");
    for (size_t i = 0; i < o->host_count; i++)
        if (o->has_ssl && is_in_clear(o->hosts[i], o->protocol))
            conf_wrong(load, map, "ssl",
                       "%s is reached by http, so nothing of it would be used, expected an https "
                       "URL or `protocol: https`",
                       o->hosts[i]);
}

static void check_kafka(struct conf_load *load, struct settings_output *o,
                        const struct conf_node *map) {
    if (!is_set(map, "compression_level")) o->compression_level = -1;
    if (!o->timeout_ms) o->timeout_ms = KAFKA_TIMEOUT_MS;
    if (o->required_acks != -1)
        conf_wrong(load, map, "required_acks",
                   "%lld, expected -1: a transaction is done when all replicas have it",
                   (long long)o->required_acks);
    if (o->sasl.mechanism >= 0 && !o->username)
        conf_wrong(load, map, "username", "is missing, expected who signs in by sasl.mechanism");
    if (o->username && o->sasl.mechanism < 0) o->sasl.mechanism = 0;
}

int settings_check_output(struct conf_load *load, void *object, const struct conf_node *map) {
    struct settings_output *o = object;
    settings_check_name(load, o->name, map);
    check_file(load, o, map);
    o->has_ssl = is_set(map, "ssl");
    if (o->go_encoding && o->format != SETTINGS_RAW)
        conf_wrong(load, map, "go_encoding", "belongs to `format: raw`");
    if (o->backoff.max_ms < o->backoff.init_ms)
        conf_wrong(load, map, "backoff", "max is shorter than init");
    check_credentials(load, o, map);
    if (is_engine(o)) check_engine(load, o, map);
    if (o->type == SETTINGS_KAFKA) check_kafka(load, o, map);
    return 0;
}

// ---- between outputs ----

static const struct conf_node *nth_output(const struct conf_node *root, size_t i) {
    return conf_node_item(conf_node_get(root, STR("outputs")), i);
}

static int default_transactional_id(struct conf_load *load, struct settings_output *o) {
    if (o->transactional_id || !o->name) return 0;
    AUTO_FINI(buf) struct buf id = buf_make(1024);
    buf_addf(&id, "gatehouse-%s", o->name);
    o->transactional_id = id.error ? NULL : arena_text(load->arena, buf_str(&id));
    return o->transactional_id ? 0 : -ENOMEM;
}

// They would stop each other.
static void check_transactional_id(struct conf_load *load, const struct settings *s, size_t i,
                                   const struct conf_node *root) {
    const struct settings_output *o = &s->outputs[i];
    for (size_t k = 0; k < i; k++) {
        const struct settings_output *other = &s->outputs[k];
        bool same = other->type == SETTINGS_KAFKA && other->transactional_id &&
                    o->transactional_id &&
                    strcmp(other->transactional_id, o->transactional_id) == 0;
        if (same)
            conf_wrong(load, nth_output(root, i), "transactional_id",
                       "output %s has the same, expected another one", other->name);
    }
}

int settings_check_outputs(struct conf_load *load, struct settings *s,
                           const struct conf_node *root) {
    for (size_t i = 0; i < s->output_count; i++) {
        if (s->outputs[i].type != SETTINGS_KAFKA) continue;
        int rc = default_transactional_id(load, &s->outputs[i]);
        if (rc) return rc;
        check_transactional_id(load, s, i, root);
    }
    return 0;
}
