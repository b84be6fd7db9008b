// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H
// The program's settings: gatehouse.yml and --set, checked, with every default filled in. The keys,
// their types, bounds and descriptions are rows in settings-table.c; docs/settings.md is made of
// them.
//
// A struct settings is immutable, so any thread may read it. It owns all its strings; secrets are
// wiped when it is freed.

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/errors.h"
#include "conf/expand.h"

struct http_tls;

struct settings_log {
    enum log_level level;
    enum log_format format;
};

// In the order of enum http_verify.
enum settings_verification {
    SETTINGS_VERIFY_FULL,
    SETTINGS_VERIFY_CERTIFICATE,
    SETTINGS_VERIFY_STRICT,
    SETTINGS_VERIFY_NONE
};

// Beats' `ssl`. A PEM itself may stand for its file.
struct settings_ssl {
    const char *const *certificate_authorities; // none: SSL_CERT_FILE or the system's
    size_t certificate_authority_count;
    enum settings_verification verification_mode;
    const char *certificate; // of the client; NULL: none
    const char *key;         // secret
    const char *key_passphrase;
    const char *const *supported_protocols; // "TLSv1.2", "TLSv1.3"
    size_t supported_protocol_count;
    const char *const *cipher_suites; // Beats' names; none: OpenSSL's choice
    size_t cipher_suite_count;
    const char *ca_trusted_fingerprint;
};

// In the order of enum okta_auth_method.
enum settings_auth { SETTINGS_API_KEY, SETTINGS_OAUTH2, SETTINGS_OIN_APP };

struct settings_data_stream {
    const char *namespace;
};

struct settings_source {
    const char *name;
    const char *url; // https://acme.okta.com/api/v1/logs; may be NULL in settings_for_map
    int auth_method; // enum settings_auth, as said or as the keys mean it; -1: errors were found
    const char *api_key; // secret: the API token; with oin_app the client secret
    const char *okta_domain_url, *client_id;
    const char *jwk_json, *jwk_file, *key_pem; // secrets; exactly one with oauth2
    const char *dpop_key_pem;                  // secret; NULL: a key is made where one is demanded
    const char *const *okta_scopes;
    size_t okta_scope_count;
    bool oin_app;
    bool allow_any_url; // plain http, console hosts, other paths
    int64_t interval_ms;
    int64_t initial_interval_ms;
    int64_t limit; // 1..1000
    int64_t http_client_timeout_ms;
    const char *proxy_url;       // may hold a password; NULL: the environment's
    const char *const *no_proxy; // hosts asked directly though there is a proxy_url
    size_t no_proxy_count;
    bool enable_request_tracer;
    struct settings_ssl ssl;
    const char *const *tags;
    size_t tag_count;
    bool preserve_original_event, remove_flattened_debug, event_type_tags, disable_keep_alive;
    double rate_limit_early_limit; // below 1: share of the limit to use; else requests to leave
    const char *const *outputs;    // names; none: all
    size_t output_count;
    struct settings_data_stream data_stream;
};

// The name of the gate's own source, which no other may have.
#define SETTINGS_GATE_NAME "gate"

enum settings_output_type {
    SETTINGS_STDOUT,
    SETTINGS_FILE,
    SETTINGS_SQLITE,
    SETTINGS_ELASTICSEARCH,
    SETTINGS_OPENSEARCH,
    SETTINGS_KAFKA
};

enum settings_format { SETTINGS_ECS, SETTINGS_RAW };

// watch/watch.h: struct watch_filter.
struct settings_filter {
    const char *const *event_types;
    size_t event_type_count;
    const char *const *exclude_event_types;
    size_t exclude_event_type_count;
    const char *const *outcomes;
    size_t outcome_count;
};

struct settings_backoff {
    int64_t init_ms, max_ms;
};

struct settings_sasl {
    int mechanism; // -1: none given
};

struct settings_output {
    const char *name;
    enum settings_output_type type;
    enum settings_format format;
    bool go_encoding; // with raw
    bool enabled;     // always
    struct settings_filter filter;
    struct settings_backoff backoff;
    const char *path;        // file: directory; sqlite: file; engines: before every path; or NULL
    const char *filename;    // file
    int64_t rotate_every_kb; // file; 0 never
    int64_t number_of_files; // file; 0 keeps all
    uint32_t permissions;    // file
    int64_t keep_ms;         // sqlite; 0 keeps all

    // engines and brokers (elastic/engine.h, kafka/producer.h)
    const char *const *hosts;
    size_t host_count;
    int protocol; // 0 http, 1 https
    const char *username, *password, *api_key;
    const char *index, *pipeline;
    bool template;
    int64_t retention_ms; // 0: everything is kept
    int64_t bulk_max_size;
    int64_t compression_level;  // -1: brokers' codec's own
    const char *const *headers; // "name=value"
    size_t header_count;
    const char *const *parameters; // "name=value"
    size_t parameter_count;
    int64_t timeout_ms;
    const char *proxy_url;
    const char *const *no_proxy;
    size_t no_proxy_count;
    bool proxy_disable;
    struct settings_ssl ssl;
    bool has_ssl; // the table is in the file
    const char *topic, *key;
    int partition;   // enum kafka_partition
    int compression; // none, snappy, lz4, gzip, zstd
    int64_t max_message_bytes, required_acks;
    const char *client_id, *transactional_id, *position_topic;
    struct settings_sasl sasl;
};

// "gzip": the words of `compression` and of `sasl.mechanism`.
const char *settings_compression_name(int compression);
const char *settings_mechanism_name(int mechanism);

struct settings_geo {
    const char *city, *asn; // MaxMind databases; NULL: none
};

// Where the gate listens.
struct settings_listen {
    const char *address;                      // "127.0.0.1:8200"; NULL: there is no gate
    const char *tls_cert_file, *tls_key_file; // both or none (NULL)
    bool tls_disable;                         // plain http beyond this machine
    int64_t max_request_size;                 // bytes
    int64_t idle_timeout_ms;
    // Proxies whose X-Forwarded-For is believed: addresses and CIDRs, as Vault's setting of the
    // name.
    const char *const *x_forwarded_for_authorized_addrs;
    size_t x_forwarded_for_authorized_addr_count;
    const char *vault_version; // what the gate says it is
};

// Where metrics and health are told.
struct settings_metrics {
    const char *address; // "127.0.0.1:9600"; NULL: nowhere
};

// The gate's own audit documents, as a source called `gate`.
struct settings_gate {
    bool audit;                 // false, too, where there is no gate
    const char *const *outputs; // names; none: all
    size_t output_count;
};

// How the guard judges (mfa/guard.h: struct guard_limits).
struct settings_guard {
    int64_t max_pushes, window_ms, pause_ms, max_pause_ms, max_codes;
    double brake;
};

// How the gate asks for MFA, and how it reaches Okta for methods that have an API token of their
// own (mfa/stepup.h: struct stepup_settings).
struct settings_mfa {
    int64_t wait_ms, poll_interval_ms, max_waiting;
    const char *okta_url; // loopback only; NULL: each method's own
    struct settings_ssl ssl;
    const char *proxy_url;
    const char *const *no_proxy;
    size_t no_proxy_count;
    int64_t http_client_timeout_ms;
    double rate_limit_early_limit;
    struct settings_guard guard;
};

struct settings {
    const char *state; // directory
    const char
        *master_key; // secret: seals what is secret in the state; NULL: nothing is kept there
    struct settings_log log;
    struct settings_source *sources;
    size_t source_count;
    struct settings_output *outputs;
    size_t output_count;
    const char *useragents; // uap-core's regexes.yaml; the default may be missing on a machine
    struct settings_geo geo;
    struct settings_gate gate;
    struct settings_listen listen;
    struct settings_metrics metrics;
    struct settings_mfa mfa;
    const char *const *warnings; // for the log: nothing wrong, but likely not meant
    size_t warning_count;
};

// Outcome of the loading: the settings are wrong, `errors` says all that is.
enum { SETTINGS_E_WRONG = CONF_E_WRONG };

// Reads `path` (NULL: gatehouse.yml, else /etc/gatehouse/gatehouse.yml), then `overrides`
// ("sources.0.interval=5s", later ones win). Outcomes: 0; SETTINGS_E_WRONG; -ENOMEM.
int settings_load(struct settings **ret, const char *path, const char *const *overrides, size_t n,
                  struct conf_errors *errors) MUST_USE;

// Is there a settings file in one of the usual places?
bool settings_file_exists(void);

// For programs that end then: what is wrong, and warnings, are written to standard error.
// Outcomes: 0; else it has been said: SETTINGS_E_WRONG, -ENOMEM.
int settings_load_or_say(struct settings **ret, const char *path, const char *const *overrides,
                         size_t n) MUST_USE;

// The settings of `gatehouse map`: no file; each override is a key of the one source ("tags=a,b"),
// or of `geo`, `useragents`, `log` at the top level. One source, no output; nothing is required.
// Outcomes as settings_load.
int settings_for_map(struct settings **ret, const char *const *overrides, size_t n,
                     struct conf_errors *errors) MUST_USE;

// As settings_load_or_say, for `map`.
int settings_for_map_or_say(struct settings **ret, const char *const *overrides, size_t n) MUST_USE;

// What settings_load does once the file has been read: for tests and fuzzing.
struct settings_input {
    const char *name; // of the file, for messages
    struct str text;
    uint32_t mode; // permission bits of the file; 0: not known
    const char *const *overrides;
    size_t override_count;
    const struct conf_env *env;
};
int settings_parse(struct settings **ret, const struct settings_input *input,
                   struct conf_errors *errors) MUST_USE;

struct settings *settings_free(struct settings *s); // NULL-safe, wipes, returns NULL
DEFINE_AUTO_FREE(settings)

// Whether the source's events go to that output.
bool settings_source_feeds(const struct settings_source *source,
                           const struct settings_output *output);

// Whether the gate's audit documents go to that output.
bool settings_gate_feeds(const struct settings_gate *gate, const struct settings_output *output);

// Whether these say the same, so that what was built of one serves for the other.
bool settings_same_listen(const struct settings_listen *a, const struct settings_listen *b);
bool settings_same_metrics(const struct settings_metrics *a, const struct settings_metrics *b);
bool settings_same_mfa(const struct settings_mfa *a, const struct settings_mfa *b);
bool settings_same_ssl(const struct settings_ssl *a, const struct settings_ssl *b);

// A list of hosts as http/client.h wants it: "a.b,.c.d"; NULL: none. Owned by the caller.
// Outcomes: 0; -ENOMEM.
int settings_join_hosts(const char *const *hosts, size_t n, char **ret) MUST_USE;

// What the keys mean to http/client.h, which the caller includes. Borrows everything.
struct http_tls settings_tls(const struct settings_ssl *ssl);

// "file": the word in the settings, which is also the name of the sink's type.
const char *settings_output_type_name(enum settings_output_type type);

// Appends the settings in force as YAML, secrets masked.
void settings_show(const struct settings *s, struct buf *out);

// Appends docs/settings.md; the man page gatehouse.yml(5).
void settings_write_markdown(struct buf *out);
void settings_write_man(struct buf *out);

#endif
