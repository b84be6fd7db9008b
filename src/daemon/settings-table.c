// SPDX-License-Identifier: Apache-2.0
// Every key of gatehouse.yml. The sources' keys are those of Elastic's Okta integration, the
// outputs' those of Filebeat, with the same defaults where none is said to differ.
#include "base/time.h"
#include "daemon/settings-internal.h"

// A pointer and its count, next to each other, stand for conf_tables and conf_strings.
#define PAIR_STANDS(type, pointer, count)                                                          \
    _Static_assert(offsetof(type, count) == offsetof(type, pointer) + sizeof(void *),              \
                   #pointer " and " #count " are not a pair")
PAIR_STANDS(struct settings, sources, source_count);
PAIR_STANDS(struct settings, outputs, output_count);
PAIR_STANDS(struct settings_gate, outputs, output_count);
PAIR_STANDS(struct settings_source, tags, tag_count);
PAIR_STANDS(struct settings_source, outputs, output_count);
PAIR_STANDS(struct settings_source, okta_scopes, okta_scope_count);
PAIR_STANDS(struct settings_source, no_proxy, no_proxy_count);
PAIR_STANDS(struct settings_ssl, certificate_authorities, certificate_authority_count);
PAIR_STANDS(struct settings_ssl, supported_protocols, supported_protocol_count);
PAIR_STANDS(struct settings_ssl, cipher_suites, cipher_suite_count);
_Static_assert(sizeof(enum log_level) == sizeof(int), "enums are loaded as int");

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const verifications[] = {"full", "certificate", "strict", "none", NULL};
static const char *const auth_methods[] = {"api_key", "oauth2", "oin_app", NULL};
static const char *const log_schemes[] = {"https", "http", NULL};
const char *const settings_proxy_schemes[] = {"http", "https", "socks5", "socks5h", NULL};

#define AT(member) .at = offsetof(struct settings_log, member)
static const struct conf_key log_keys[] = {
    {.name = "level",
     .type = CONF_ENUM,
     AT(level),
     .initial = "info",
     .words = levels,
     .description = "Records below this level are not written."},
    {.name = "format",
     .type = CONF_ENUM,
     AT(format),
     .initial = "text",
     .words = formats,
     .description = "`text` for people, `json` for machines, one record per line."},
};
#undef AT

#define AT(member) .at = offsetof(struct settings_ssl, member)
static const struct conf_key ssl_keys[] = {
    {.name = "certificate_authorities",
     .type = CONF_STRINGS,
     AT(certificate_authorities),
     .flags = CONF_READABLE,
     .example = "[/etc/ssl/corp.pem]",
     .initial_says = "`SSL_CERT_FILE`, else the system's",
     .description = "PEM files with the certificates to trust, in place of the system's."},
    {.name = "verification_mode",
     .type = CONF_ENUM,
     AT(verification_mode),
     .initial = "full",
     .words = verifications,
     .description = "`full` checks the server's certificate and name. `strict` does not take a "
                    "name from the certificate's subject, either. `certificate` leaves the name "
                    "unchecked. `none` checks nothing, so that anybody on the way can read the "
                    "credentials."},
    {.name = "certificate",
     .type = CONF_PATH,
     AT(certificate),
     .flags = CONF_READABLE,
     .example = "/etc/gatehouse/client.pem",
     .initial_says = "none",
     .description = "The client's certificate, PEM, with the chain behind it; for a proxy or "
                    "gateway that wants one."},
    {.name = "key",
     .type = CONF_SECRET_LINES,
     AT(key),
     .example = "/etc/gatehouse/client.key",
     .initial_says = "none",
     .description = "The certificate's private key: a PEM file, or the PEM itself."},
    {.name = "key_passphrase",
     .type = CONF_SECRET_LINES,
     AT(key_passphrase),
     .initial_says = "none",
     .description = "Opens an encrypted `key`."},
    {.name = "supported_protocols",
     .type = CONF_STRINGS,
     AT(supported_protocols),
     .initial = "TLSv1.2,TLSv1.3",
     .min = 1,
     .max = 2,
     .description = "`TLSv1.2`, `TLSv1.3`, or both."},
    {.name = "cipher_suites",
     .type = CONF_STRINGS,
     AT(cipher_suites),
     .min = 1,
     .max = 64,
     .initial_says = "OpenSSL's choice",
     .example = "[ECDHE-RSA-AES-256-GCM-SHA384, TLS-AES-256-GCM-SHA384]",
     .description = "The cipher suites to offer, by Beats' names."},
    {.name = "ca_trusted_fingerprint",
     .type = CONF_STRING,
     AT(ca_trusted_fingerprint),
     .initial_says = "none",
     .description = "SHA-256 of an authority's certificate in hex: when the server sends that "
                    "certificate along, it is trusted."},
    {.name = "ca_sha256",
     .type = CONF_STRING,
     .flags = CONF_NOT_YET,
     .instead = "name the authority's file in `certificate_authorities`"},
    {.name = "curve_types",
     .type = CONF_STRINGS,
     .flags = CONF_NOT_YET,
     .instead = "OpenSSL's own choice applies, which the system's openssl.cnf can narrow"},
    {.name = "renegotiation",
     .type = CONF_STRING,
     .flags = CONF_NOT_YET,
     .instead = "leave the key out"},
    {.name = "enabled",
     .type = CONF_BOOL,
     .flags = CONF_NOT_YET,
     .instead = "the URL's scheme decides, leave the key out"},
};
#undef AT
const struct conf_table settings_ssl_table = {.name = "ssl table",
                                              .keys = ssl_keys,
                                              .n = LEN(ssl_keys),
                                              .bytes = sizeof(struct settings_ssl),
                                              .check = settings_check_ssl};

#define AT(member) .at = offsetof(struct settings_data_stream, member)
static const struct conf_key data_stream_keys[] = {
    {.name = "namespace",
     .type = CONF_STRING,
     AT(namespace),
     .initial = "default",
     .description = "`data_stream.namespace` of the documents."},
};
#undef AT
static const struct conf_table data_stream_table = {.name = "data_stream table",
                                                    .keys = data_stream_keys,
                                                    .n = LEN(data_stream_keys),
                                                    .bytes = sizeof(struct settings_data_stream),
                                                    .check = settings_check_data_stream};

#define AT(member) .at = offsetof(struct settings_source, member)
static const struct conf_key source_keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     AT(name),
     .initial_says = "the host of `url`",
     .description = "How the source is called in logs, in the state, and in `--set`. Its place in "
                    "the log is kept under this name. When another source has the host's name "
                    "already, the port is added."},
    {.name = "url",
     .type = CONF_URL,
     AT(url),
     .flags = CONF_REQUIRED,
     .words = log_schemes,
     .example = "https://acme.okta.com/api/v1/logs",
     .description = "Okta's System Log. `https`; `http` only to this machine itself."},
    {.name = "auth_method",
     .type = CONF_ENUM,
     AT(auth_method),
     .words = auth_methods,
     .initial_says = "what the keys below mean",
     .description = "How to sign in: `api_key` with an API token; `oauth2` as an API Services app "
                    "with a private key; `oin_app` as an API service integration with a client "
                    "secret. See docs/authentication.md."},
    {.name = "api_key",
     .type = CONF_SECRET,
     AT(api_key),
     .example = "${OKTA_API_KEY}",
     .initial_says = "none",
     .description = "API token of an administrator who may read the log, without the word SSWS. "
                    "With `oin_app` the client secret."},
    {.name = "okta_domain_url",
     .type = CONF_URL,
     AT(okta_domain_url),
     .words = log_schemes,
     .initial_says = "none, required with `oauth2` and `oin_app`",
     .example = "https://acme.okta.com",
     .description = "The org, which gives the access tokens: without a path."},
    {.name = "client_id",
     .type = CONF_STRING,
     AT(client_id),
     .initial_says = "none, required with `oauth2` and `oin_app`",
     .example = "0oa1b2c3d4E5F6G7H8i9",
     .description = "The app's client id."},
    {.name = "jwk_file",
     .type = CONF_PATH,
     AT(jwk_file),
     .initial_says = "none; `oauth2` needs one of the three",
     .example = "/etc/gatehouse/acme.jwk",
     .description =
         "File with the app's private key as JWK, as `gatehouse keygen` makes it. RSA of "
         "2048 bits and more, EC P-256, P-384, P-521."},
    {.name = "jwk_json",
     .type = CONF_SECRET_LINES,
     AT(jwk_json),
     .initial_says = "none",
     .description = "The private key as JWK itself."},
    {.name = "key_pem",
     .type = CONF_SECRET_LINES,
     AT(key_pem),
     .initial_says = "none",
     .example = "${file:/etc/gatehouse/acme.pem}",
     .description = "The private key as PEM (PKCS#8, PKCS#1 or SEC1), not encrypted. A PEM has no "
                    "key id, which an app with several keys needs: prefer a JWK."},
    {.name = "dpop_key_pem",
     .type = CONF_SECRET_LINES,
     AT(dpop_key_pem),
     .initial_says = "a key of its own, made when the app demands one",
     .description = "Private key that access tokens are bound to (DPoP), as PEM. Another one than "
                    "the app's."},
    {.name = "okta_scopes",
     .type = CONF_STRINGS,
     AT(okta_scopes),
     .initial = "okta.logs.read",
     .min = 1,
     .max = 64,
     .description = "Scopes to ask for; with `oauth2` only. MFA methods that name this source in "
                    "`okta_source` need `okta.users.read` and `okta.users.manage`, too."},
    {.name = "oin_app",
     .type = CONF_BOOL,
     AT(oin_app),
     .initial = "false",
     .description = "The older way to say `auth_method: oin_app`."},
    {.name = "allow_any_url",
     .type = CONF_BOOL,
     AT(allow_any_url),
     .initial = "false",
     .description =
         "Permits what is refused as a slip otherwise: http to another machine, a console "
         "host (`-admin`), another path than /api/v1/logs. For test rigs; with http, "
         "credentials travel in clear text."},
    {.name = "interval",
     .type = CONF_DURATION,
     AT(interval_ms),
     .initial = "60s",
     .min = 10,
     .max = TIME_DAY_MS,
     .description = "Time between two polls when nothing is waiting."},
    {.name = "initial_interval",
     .type = CONF_DURATION,
     AT(initial_interval_ms),
     .initial = "24h",
     .min = 0,
     .max = 180.0 * TIME_DAY_MS,
     .description =
         "How far back the very first collection goes. Okta keeps 90 days. Beyond a day, "
         "history is fetched in windows beside the polling, several at once."},
    {.name = "limit",
     .type = CONF_INT,
     AT(limit),
     .initial = "1000",
     .min = 1,
     .max = 1000,
     .description = "Events per page."},
    {.name = "http_client_timeout",
     .type = CONF_DURATION,
     AT(http_client_timeout_ms),
     .initial = "30s",
     .min = 100,
     .max = 10.0 * TIME_MINUTE_MS,
     .description = "Time for a whole request, after which it is sent again."},
    {.name = "proxy_url",
     .type = CONF_URL,
     AT(proxy_url),
     .words = settings_proxy_schemes,
     .initial_says = "`https_proxy`, `no_proxy` of the environment",
     .example = "http://proxy.example.com:3128",
     .description = "Proxy on the way to Okta; may carry `user:password@`."},
    {.name = "no_proxy",
     .type = CONF_STRINGS,
     AT(no_proxy),
     .initial_says = "none; without `proxy_url`, the environment's",
     .max = 64,
     .example = "[okta.internal, .example.com]",
     .description = "Hosts and domains to ask directly although there is a proxy. Without "
                    "`proxy_url` they count beside those of the environment."},
    {.name = "enable_request_tracer",
     .type = CONF_BOOL,
     AT(enable_request_tracer),
     .initial = "false",
     .description = "Writes every request and answer to http-request-trace-NAME.ndjson, secrets "
                    "masked, in `$LOGS_DIRECTORY`, which systemd sets, else in `traces` below "
                    "`state`; 1 MB a file, five old ones. Switched off, the files are deleted."},
    {.name = "ssl",
     .type = CONF_TABLE,
     AT(ssl),
     .table = &settings_ssl_table,
     .initial_says = "see below",
     .description = "TLS on the way to Okta."},
    {.name = "rate_limit_early_limit",
     .type = CONF_NUMBER,
     AT(rate_limit_early_limit),
     .initial = "0.9",
     .min = 0.01,
     .max = 100000,
     .description = "Below 1: the share of Okta's rate limit to use before waiting for the next "
                    "minute. From 1: the number of requests to leave to others. Elastic's default "
                    "is to use all of it."},
    {.name = "disable_keep_alive",
     .type = CONF_BOOL,
     AT(disable_keep_alive),
     .initial = "false",
     .description = "A new connection for every request."},
    {.name = "tags",
     .type = CONF_STRINGS,
     AT(tags),
     .initial = "forwarded, okta-system",
     .max = 64,
     .description = "The first tags of every document."},
    {.name = "preserve_original_event",
     .type = CONF_BOOL,
     AT(preserve_original_event),
     .initial = "false",
     .description = "Keeps the event as Okta sent it in `event.original`, and adds the tag "
                    "`preserve_original_event`."},
    {.name = "remove_flattened_debug",
     .type = CONF_BOOL,
     AT(remove_flattened_debug),
     .initial = "false",
     .description = "Puts `debugContext.debugData` into fields of their own, in place of one "
                    "flattened object."},
    {.name = "event_type_tags",
     .type = CONF_BOOL,
     AT(event_type_tags),
     .initial = "true",
     .description = "Adds Okta's labels of the event type to `tags`, as Elastic's table does. Not "
                    "one of Elastic's keys."},
    {.name = "data_stream",
     .type = CONF_TABLE,
     AT(data_stream),
     .table = &data_stream_table,
     .initial_says = "see below",
     .description = "Names of the data stream."},
    {.name = "outputs",
     .type = CONF_STRINGS,
     AT(outputs),
     .initial_says = "all outputs",
     .min = 1,
     .max = 64,
     .example = "[archive, search]",
     .description = "Names of the outputs that get this source's documents."},
    {.name = "processors",
     .type = CONF_ANYTHING,
     .flags = CONF_NOT_YET,
     .instead = "change documents where they are read, behind the output"},
};
#undef AT
const struct conf_table settings_source_table = {
    .name = "source",
    .keys = source_keys,
    .n = LEN(source_keys),
    .bytes = sizeof(struct settings_source),
    .check = settings_check_source,
    .description = "The logs to collect. The keys are those of Elastic's Okta integration.",
};

#define AT(member) .at = offsetof(struct settings_geo, member)
static const struct conf_key geo_keys[] = {
    {.name = "city",
     .type = CONF_PATH,
     AT(city),
     .flags = CONF_READABLE,
     .example = "/usr/share/GeoIP/GeoLite2-City.mmdb",
     .description = "Database for `source.geo.*`."},
    {.name = "asn",
     .type = CONF_PATH,
     AT(asn),
     .flags = CONF_READABLE,
     .example = "/usr/share/GeoIP/GeoLite2-ASN.mmdb",
     .description = "Database for `source.as.*`."},
};
#undef AT

#define AT(member) .at = offsetof(struct settings_gate, member)
static const struct conf_key gate_keys[] = {
    {.name = "outputs",
     .type = CONF_STRINGS,
     AT(outputs),
     .initial_says = "all outputs",
     .min = 1,
     .max = 64,
     .example = "[archive, search]",
     .description = "Names of the outputs that get these documents."},
    {.name = "audit",
     .type = CONF_BOOL,
     AT(audit),
     .initial = "true",
     .description = "`false`: requests leave no document. Otherwise a request that cannot be "
                    "audited is refused. A change needs a restart."},
};
#undef AT

static const struct conf_table log_table = {.name = "log table",
                                            .keys = log_keys,
                                            .n = LEN(log_keys),
                                            .bytes = sizeof(struct settings_log)};
static const struct conf_table geo_table = {
    .name = "geo table",
    .keys = geo_keys,
    .n = LEN(geo_keys),
    .bytes = sizeof(struct settings_geo),
    .description = "MaxMind databases. Without them the place of an event is what Okta says of it.",
};

static const struct conf_table gate_table = {
    .name = "gate table",
    .keys = gate_keys,
    .n = LEN(gate_keys),
    .bytes = sizeof(struct settings_gate),
    .description = "Each request to the gate makes one ECS document (docs/audit.md), delivered to "
                   "the outputs as those of a source called `gate`.",
};

#define AT(member) .at = offsetof(struct settings, member)
static const struct conf_key keys[] = {
    {.name = "state",
     .type = CONF_PATH,
     AT(state),
     .initial_says = "`$STATE_DIRECTORY`, which systemd sets; else `gatehouse-state` in the "
                     "working directory",
     .description = "Directory for all durable state: cursors and dead letters."},
    {.name = "log",
     .type = CONF_TABLE,
     AT(log),
     .table = &log_table,
     .initial_says = "see below",
     .description = "The program's own messages, on standard error."},
    {.name = "sources",
     .type = CONF_TABLES,
     AT(sources),
     .min = 1,
     .max = 1000,
     .table = &settings_source_table,
     .description = "What to collect, see below."},
    {.name = "outputs",
     .type = CONF_TABLES,
     AT(outputs),
     .min = 1,
     .max = 64,
     .table = &settings_output_table,
     .description = "Where to deliver, see below."},
    {.name = "useragents",
     .type = CONF_PATH,
     AT(useragents),
     .flags = CONF_READABLE,
     .initial = "/usr/share/uap-core/regexes.yaml",
     .description = "uap-core's rules for `user_agent.*`. Where the default is missing, these "
                    "fields are left out, with a warning."},
    {.name = "geo",
     .type = CONF_TABLE,
     AT(geo),
     .table = &geo_table,
     .initial_says = "see below",
     .description = "Databases for `source.geo.*` and `source.as.*`."},
    {.name = "gate",
     .type = CONF_TABLE,
     AT(gate),
     .table = &gate_table,
     .initial_says = "see below",
     .description = "What becomes of the gate's audit documents."},
    {.name = "listen",
     .type = CONF_TABLE,
     AT(listen),
     .flags = CONF_FIRST_SAYS,
     .table = &settings_listen_table,
     .initial_says = "no gate",
     .description = "Where the gate is served, see below."},
    {.name = "metrics",
     .type = CONF_TABLE,
     AT(metrics),
     .flags = CONF_FIRST_SAYS,
     .table = &settings_metrics_table,
     .initial_says = "none",
     .description = "Where metrics and health are told, see below."},
    {.name = "master_key",
     .type = CONF_SECRET,
     AT(master_key),
     .initial_says = "systemd's credential `master.key`, if there is one",
     .example = "${file:/etc/gatehouse/master.key}",
     .description = "32 bytes in hex or base64 that seal what is secret in `state`. Without it, a "
                    "DPoP key that the program made is kept in memory only, and made anew at the "
                    "next start."},
    {.name = "mfa",
     .type = CONF_TABLE,
     AT(mfa),
     .table = &settings_mfa_table,
     .initial_says = "see below",
     .description = "How the gate asks for MFA."},
};
#undef AT
const struct conf_table settings_table = {
    .name = "settings file",
    .keys = keys,
    .n = LEN(keys),
    .bytes = sizeof(struct settings),
    .check = settings_check_all,
};
