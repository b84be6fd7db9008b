// SPDX-License-Identifier: Apache-2.0
// Rules over several keys of an output, and between outputs.
#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "daemon/plan-outputs.h"
#include "daemon/settings-internal.h"
#include "sink/pattern.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOPIC_CHARACTERS UPPER "abcdefghijklmnopqrstuvwxyz0123456789._-"

enum { TOPIC_MAX_BYTES = 249 };
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

static void check_password(struct conf_load *load, const struct settings_output *o,
                           const struct conf_node *map) {
    if (o->username && !o->password && !is_set(map, "password"))
        conf_wrong(load, map, "password", "is missing, expected the password of `username`");
}

static void check_sasl(struct conf_load *load, struct settings_output *o,
                       const struct conf_node *map) {
    check_password(load, o, map);
    if (o->sasl.mechanism >= 0 && !o->username)
        conf_wrong(load, map, "username", "is missing, expected who signs in by sasl.mechanism");
    else if (o->password && !o->username)
        conf_wrong(load, map, "username", "is missing, expected whose `password` it is");
    if (o->username && o->sasl.mechanism < 0) o->sasl.mechanism = 0;
}

// What elastic_check says begins with the setting.
static int check_way(struct conf_load *load, const struct settings_output *o,
                     const struct conf_node *map) {
    AUTO_FINI(plan_output) struct plan_output p = {0};
    struct fault fault = {{0}};
    int e = plan_output_elastic(o, &p);
    if (!e) e = elastic_check(&p.elastic, &fault);
    if (e == -ENOMEM) return e;
    if (!e) return 0;
    struct str rest = str_from(fault.text);
    struct str key = str_split(&rest, ':');
    char name[64];
    snprintf(name, sizeof name, "%.*s", STR_ARG(key));
    conf_wrong(load, map, name, "%.*s", STR_ARG(str_trim(rest)));
    return 0;
}

// ---- names made of fields ----

// The first character outside the fields that `takes` refuses; '\0' when there is none.
static char first_wrong(struct str text, bool (*takes)(char c)) {
    while (text.n > 0) {
        size_t at = str_find(text, STR("%{"));
        for (size_t i = 0; i < at; i++)
            if (!takes(text.p[i])) return text.p[i];
        text = str_sub(text, at, text.n);
        text = str_sub(text, str_find_char(text, '}') + 1, text.n);
    }
    return '\0';
}

// Elasticsearch, create index: what a name may not have.
static bool index_takes(char c) { return !strchr(UPPER "\\/*?\"<>|,# :", c); }

static void check_index_name(struct conf_load *load, struct str text, const struct conf_node *map) {
    char wrong = first_wrong(text, index_takes);
    if (text.n > 0 && strchr("-_+.", text.p[0]))
        conf_wrong(load, map, "index", "begins with %c, which no name of an index may", text.p[0]);
    if (wrong)
        conf_wrong(load, map, "index",
                   "has %c, which no name of an index may; expected lower-case letters", wrong);
}

// Kafka, topic names.
static bool topic_takes(char c) { return strchr(TOPIC_CHARACTERS, c) != NULL; }

static void check_topic(struct conf_load *load, const char *key, const char *name,
                        const struct conf_node *map) {
    struct str text = str_from(name);
    char wrong = first_wrong(text, topic_takes);
    if (text.n > TOPIC_MAX_BYTES || str_eqz(text, ".") || str_eqz(text, ".."))
        conf_wrong(load, map, key, "is no name of a topic, expected at most 249 characters");
    if (wrong)
        conf_wrong(load, map, key,
                   "has %c, which no name of a topic may; expected letters, digits, . _ -", wrong);
}

// A topic with fields in it may still become the other one: sink/kafka-page.c sees that.
static void check_position_topic(struct conf_load *load, const struct settings_output *o,
                                 const struct conf_node *map) {
    if (!o->topic || !o->position_topic || strcmp(o->topic, o->position_topic) != 0) return;
    conf_wrong(load, map, is_set(map, "position_topic") ? "position_topic" : "topic",
               "topic and position_topic are the same, %s, expected two", o->topic);
}

// "k1:9092", "[::1]:9092", "k1": librdkafka takes more than a broker can be.
static void check_broker(struct conf_load *load, const char *host, const struct conf_node *map) {
    struct str text = str_from(host);
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    bool bracketed = text.n > 0 && text.p[text.n - 1] == ']';
    uint64_t port = 9092;
    bool good = str_find(text, STR("://")) == text.n && strcspn(host, "/@, \t") == text.n;
    if (good && colon > 0 && !bracketed)
        good = parse_u64(str_sub(text, colon, text.n), &port) && port > 0 && port < 65536;
    if (!good)
        conf_wrong(load, map, "hosts", "%s is no broker, expected host:port, such as kafka1:9092",
                   host);
}

static int check_pattern(struct conf_load *load, const char *key, const char *text,
                         const struct conf_node *map) {
    AUTO(pattern) struct pattern *p = NULL;
    struct fault fault = {{0}};
    int e = text ? pattern_new(&p, text, &fault) : 0;
    if (e == -ENOMEM) return e;
    if (e) conf_wrong(load, map, key, "%s", fault.text);
    return 0;
}

static bool is_in_clear(const char *host, int protocol) {
    struct str s = str_from(host);
    struct http_origin o;
    if (str_find(s, STR("://")) == s.n) return protocol == 0;
    return http_origin_parse(s, &o, NULL) == 0 && strcmp(o.scheme, "http") == 0;
}

static int check_engine(struct conf_load *load, struct settings_output *o,
                        const struct conf_node *map) {
    if (!is_set(map, "compression_level")) o->compression_level = 1;
    if (o->compression_level > 9)
        conf_wrong(load, map, "compression_level", "%lld, expected a whole number from 0 to 9",
                   (long long)o->compression_level);
    if (!o->timeout_ms) o->timeout_ms = ELASTIC_TIMEOUT_MS;
    check_password(load, o, map);
    if (o->proxy_disable && o->proxy_url)
        conf_wrong(load, map, "proxy_disable", "there is a proxy_url, expected one of the two");
    for (size_t i = 0; i < o->host_count; i++)
        if (o->has_ssl && is_in_clear(o->hosts[i], o->protocol))
            conf_wrong(load, map, "ssl",
                       "%s is reached by http, so nothing of it would be used, expected an https "
                       "URL or `protocol: https`",
                       o->hosts[i]);
    if (o->index) check_index_name(load, str_from(o->index), map);
    int e = check_pattern(load, "index", o->index, map);
    return e || o->host_count == 0 ? e : check_way(load, o, map);
}

static int check_kafka(struct conf_load *load, struct settings_output *o,
                       const struct conf_node *map) {
    if (!is_set(map, "compression_level")) o->compression_level = -1;
    if (!o->timeout_ms) o->timeout_ms = KAFKA_TIMEOUT_MS;
    if (o->required_acks != -1)
        conf_wrong(load, map, "required_acks",
                   "%lld, expected -1: a transaction is done when all replicas have it",
                   (long long)o->required_acks);
    check_sasl(load, o, map);
    for (size_t i = 0; i < o->host_count; i++) check_broker(load, o->hosts[i], map);
    if (o->topic) check_topic(load, "topic", o->topic, map);
    if (o->position_topic) check_topic(load, "position_topic", o->position_topic, map);
    check_position_topic(load, o, map);
    int e = check_pattern(load, "topic", o->topic, map);
    return e ? e : check_pattern(load, "key", o->key, map);
}

int settings_check_output(struct conf_load *load, void *object, const struct conf_node *map) {
    struct settings_output *o = object;
    settings_check_name(load, o->name, map);
    check_file(load, o, map);
    o->has_ssl = is_set(map, "ssl");
    if (!o->enabled)
        conf_wrong(load, map, "enabled", "false, expected true: leave the output out of the file");
    if (o->go_encoding && o->format != SETTINGS_RAW)
        conf_wrong(load, map, "go_encoding", "belongs to `format: raw`");
    if (o->backoff.max_ms < o->backoff.init_ms)
        conf_wrong(load, map, "backoff", "max is shorter than init");
    if (is_engine(o)) return check_engine(load, o, map);
    return o->type == SETTINGS_KAFKA ? check_kafka(load, o, map) : 0;
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
