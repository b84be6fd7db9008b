// SPDX-License-Identifier: Apache-2.0
// Where the documents go. The keys are Filebeat's, with its defaults where none is said to differ;
// those of engines and brokers have the names of output.elasticsearch and output.kafka.
#include "base/time.h"
#include "conf/node.h"
#include "daemon/settings-internal.h"
#include "elastic/engine.h"
#include "kafka/producer.h"

#define PAIR_STANDS(type, pointer, count)                                                          \
    _Static_assert(offsetof(type, count) == offsetof(type, pointer) + sizeof(void *),              \
                   #pointer " and " #count " are not a pair")
PAIR_STANDS(struct settings_filter, event_types, event_type_count);
PAIR_STANDS(struct settings_filter, exclude_event_types, exclude_event_type_count);
PAIR_STANDS(struct settings_filter, outcomes, outcome_count);
PAIR_STANDS(struct settings_output, hosts, host_count);
PAIR_STANDS(struct settings_output, headers, header_count);
PAIR_STANDS(struct settings_output, parameters, parameter_count);
PAIR_STANDS(struct settings_output, no_proxy, no_proxy_count);

#define SEARCH "elasticsearch opensearch"
#define REMOTE SEARCH " kafka"

static const char *const types[] = {"stdout",     "file",  "sqlite", "elasticsearch",
                                    "opensearch", "kafka", NULL};
static const char *const formats[] = {"ecs", "raw", NULL};
static const char *const protocols[] = {"http", "https", NULL};
static const char *const partitions[] = {"hash", "random", "round_robin", NULL};
static const char *const compressions[] = {"none", "snappy", "lz4", "gzip", "zstd", NULL};
static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};
_Static_assert((int)KAFKA_BY_KEY_HASH == 0 && (int)KAFKA_RANDOM == 1 && (int)KAFKA_ROUND_ROBIN == 2,
               "as the words of `partition`");

#define AT(member) .at = offsetof(struct settings_filter, member)
static const struct conf_key filter_keys[] = {
    {.name = "event_types",
     .type = CONF_STRINGS,
     AT(event_types),
     .max = 256,
     .initial_says = "all",
     .example = "[\"user.session.*\", user.mfa.factor.deactivate]",
     .description = "Okta's event types that the output gets, `*` for any text."},
    {.name = "exclude_event_types",
     .type = CONF_STRINGS,
     AT(exclude_event_types),
     .max = 256,
     .initial_says = "none",
     .example = "[\"system.agent.*\"]",
     .description = "Those that it does not get."},
    {.name = "outcomes",
     .type = CONF_STRINGS,
     AT(outcomes),
     .max = 64,
     .initial_says = "all",
     .example = "[FAILURE, DENY]",
     .description = "Okta's `outcome.result` of the events that it gets, in any case; `NONE` are "
                    "those without one."},
};
#undef AT
static const struct conf_table filter_table = {
    .name = "filter table",
    .keys = filter_keys,
    .n = LEN(filter_keys),
    .bytes = sizeof(struct settings_filter),
    .description = "What is left out counts as had: it is not fetched again when the filter "
                   "changes, but for a `gatehouse backfill` of what was never delivered."};

#define AT(member) .at = offsetof(struct settings_backoff, member)
static const struct conf_key backoff_keys[] = {
    {.name = "init",
     .type = CONF_DURATION,
     AT(init_ms),
     .initial = "1s",
     .min = 10,
     .max = TIME_HOUR_MS,
     .description = "The first pause, at most; each further one is twice as long."},
    {.name = "max",
     .type = CONF_DURATION,
     AT(max_ms),
     .initial = "60s",
     .min = 10,
     .max = TIME_DAY_MS,
     .description = "The longest pause."},
};
#undef AT
static const struct conf_table backoff_table = {
    .name = "backoff table",
    .keys = backoff_keys,
    .n = LEN(backoff_keys),
    .bytes = sizeof(struct settings_backoff),
    .description = "Pauses between tries while the output fails, drawn from half to the whole of "
                   "each."};

#define AT(member) .at = offsetof(struct settings_sasl, member)
static const struct conf_key sasl_keys[] = {
    {.name = "mechanism",
     .type = CONF_ENUM,
     AT(mechanism),
     .words = mechanisms,
     .initial_says = "`PLAIN` where there is a `username`",
     .description = "How to sign in to the brokers."},
};
#undef AT
static const struct conf_table sasl_table = {.name = "sasl table",
                                             .keys = sasl_keys,
                                             .n = LEN(sasl_keys),
                                             .bytes = sizeof(struct settings_sasl)};

#define AT(member) .at = offsetof(struct settings_output, member)
static const struct conf_key output_keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     AT(name),
     .initial_says = "the type",
     .description = "How the output is called in logs, in the state, and in `outputs` of a source. "
                    "What it has been given is kept under this name."},
    {.name = "type",
     .type = CONF_ENUM,
     AT(type),
     .flags = CONF_REQUIRED,
     .words = types,
     .description = "`file`: one document per line. `sqlite`: a table `events`. `elasticsearch`, "
                    "`opensearch`: a data stream. `kafka`: a topic. All of them exactly once. "
                    "`stdout`: one document per line, at least once. See docs/delivery.md."},
    {.name = "format",
     .type = CONF_ENUM,
     AT(format),
     .initial = "ecs",
     .words = formats,
     .description =
         "`ecs`: the documents of docs/ecs.md. `raw`: what Elastic Agent would send, for "
         "Elastic's own ingest pipeline. The gate's documents are ECS either way."},
    {.name = "go_encoding",
     .type = CONF_BOOL,
     AT(go_encoding),
     .initial = "false",
     .description = "With `raw`, the event's text as Elastic Agent would have written it again "
                    "(sorted keys, escapes, numbers as float64), where `false` leaves it as Okta "
                    "sent it."},
    {.name = "filter",
     .type = CONF_TABLE,
     AT(filter),
     .table = &filter_table,
     .initial_says = "see below",
     .description = "Which events the output gets."},
    {.name = "backoff",
     .type = CONF_TABLE,
     AT(backoff),
     .table = &backoff_table,
     .initial_says = "see below",
     .description = "How long to wait between tries."},
    {.name = "path",
     .type = CONF_PATH,
     AT(path),
     .only = "file sqlite " SEARCH,
     .initial_says = "none; required for `file` and `sqlite`",
     .example = "/var/log/okta",
     .description = "For `file` the directory, for `sqlite` the database file. For an engine what "
                    "stands before every path of its API, such as `/search`."},
    {.name = "filename",
     .type = CONF_STRING,
     AT(filename),
     .only = "file",
     .initial = "gatehouse",
     .description = "The file's name in the directory, without its ending."},
    {.name = "rotate_every_kb",
     .type = CONF_INT,
     AT(rotate_every_kb),
     .only = "file",
     .initial = "102400",
     .min = 0,
     .max = 1e9,
     .description = "A file that has reached this size is put aside; 0: never. Filebeat's default "
                    "is 10240."},
    {.name = "number_of_files",
     .type = CONF_INT,
     AT(number_of_files),
     .only = "file",
     .initial = "0",
     .min = 0,
     .max = 1024,
     .description = "How many files to keep, at least 2; 0: all. Filebeat keeps 7, but an audit "
                    "trail is not deleted unless somebody asks for it."},
    {.name = "permissions",
     .type = CONF_MODE,
     AT(permissions),
     .only = "file",
     .initial = "0600",
     .description = "Mode of new files."},
    {.name = "keep",
     .type = CONF_DURATION,
     AT(keep_ms),
     .only = "sqlite",
     .min = 1000,
     .max = 36500.0 * TIME_DAY_MS,
     .initial_says = "everything",
     .example = "90d",
     .description = "Events that are older are deleted."},
    {.name = "hosts",
     .type = CONF_STRINGS,
     AT(hosts),
     .flags = CONF_REQUIRED | CONF_HOSTS,
     .only = REMOTE,
     .min = 1,
     .max = 64,
     .example = "[\"https://es1:9200\", \"https://es2:9200\"]",
     .description =
         "Where the cluster is: URLs for an engine (port 9200 unless it says otherwise), "
         "`host:port` for brokers (9092). One engine is asked at a time, the next one "
         "when it does not answer."},
    {.name = "protocol",
     .type = CONF_ENUM,
     AT(protocol),
     .only = SEARCH,
     .words = protocols,
     .initial = "http",
     .description = "For hosts without a scheme."},
    {.name = "username",
     .type = CONF_STRING,
     AT(username),
     .only = REMOTE,
     .initial_says = "none",
     .description = "Basic authentication; for brokers SASL."},
    {.name = "password",
     .type = CONF_SECRET_LINES,
     AT(password),
     .only = REMOTE,
     .initial_says = "none",
     .example = "${ES_PASSWORD}",
     .description = "The password of `username`."},
    {.name = "api_key",
     .type = CONF_SECRET,
     AT(api_key),
     .only = SEARCH,
     .initial_says = "none",
     .example = "${ES_API_KEY}",
     .description = "`id:key`, or the two in base64 as Kibana shows them. Instead of `username`."},
    {.name = "index",
     .type = CONF_STRING,
     AT(index),
     .only = SEARCH,
     .initial_says = "the data stream `logs-DATASET-NAMESPACE`, so `logs-okta.system-default`",
     .example = "okta-%{+yyyy.MM}",
     .description = "Where to write instead: a data stream, an alias or an index, with fields of "
                    "the document as `%{[event.action]}` and the time of the event as "
                    "`%{+yyyy.MM.dd}`."},
    {.name = "pipeline",
     .type = CONF_STRING,
     AT(pipeline),
     .only = SEARCH,
     .initial_says = "what the index says",
     .description = "Ingest pipeline to send the documents through."},
    {.name = "template",
     .type = CONF_BOOL,
     AT(template),
     .only = SEARCH,
     .initial = "true",
     .description = "Before the first document, when the engine has no template that makes a data "
                    "stream of that name, puts ours there. `gatehouse setup` does it beforehand. "
                    "With `format: raw` never."},
    {.name = "retention",
     .type = CONF_DURATION,
     AT(retention_ms),
     .only = SEARCH,
     .min = TIME_HOUR_MS,
     .max = 36500.0 * TIME_DAY_MS,
     .initial_says = "everything is kept",
     .example = "365d",
     .description = "How long the engine keeps documents, written into the template by `setup`."},
    {.name = "bulk_max_size",
     .type = CONF_INT,
     AT(bulk_max_size),
     .only = SEARCH,
     .initial = "1600",
     .min = 1,
     .max = 100000,
     .description = "Documents in one request; a page of Okta's has 1000 at most."},
    {.name = "compression_level",
     .type = CONF_INT,
     AT(compression_level),
     .only = REMOTE,
     .initial_says = "1; for brokers the codec's own",
     .min = 0,
     .max = 12,
     .description = "Of gzip, for an engine: 0 not at all, 9 most. For brokers of `compression`."},
    {.name = "headers",
     .type = CONF_PAIRS,
     AT(headers),
     .only = REMOTE,
     .initial_says = "none",
     .description = "Headers of every request to an engine, of every message to brokers."},
    {.name = "parameters",
     .type = CONF_PAIRS,
     AT(parameters),
     .only = SEARCH,
     .initial_says = "none",
     .description = "Parameters in the query of bulk requests."},
    {.name = "timeout",
     .type = CONF_DURATION,
     AT(timeout_ms),
     .only = REMOTE,
     .initial_says = "90s for an engine, 30s for brokers",
     .min = 100,
     .max = TIME_HOUR_MS,
     .description = "Time for one request, after which it counts as unanswered."},
    {.name = "proxy_url",
     .type = CONF_URL,
     AT(proxy_url),
     .words = settings_proxy_schemes,
     .only = SEARCH,
     .initial_says = "`https_proxy`, `http_proxy`, `no_proxy` of the environment",
     .description = "Proxy on the way to the engine; may carry `user:password@`."},
    {.name = "no_proxy",
     .type = CONF_STRINGS,
     AT(no_proxy),
     .only = SEARCH,
     .max = 64,
     .initial_says = "none; without `proxy_url`, the environment's",
     .description = "Hosts to ask directly although there is a proxy. Without "
                    "`proxy_url` they count beside those of the environment."},
    {.name = "proxy_disable",
     .type = CONF_BOOL,
     AT(proxy_disable),
     .only = SEARCH,
     .initial = "false",
     .description = "No proxy, whatever the environment says."},
    {.name = "ssl",
     .type = CONF_TABLE,
     AT(ssl),
     .table = &settings_ssl_table,
     .only = REMOTE,
     .initial_says = "see below",
     .description =
         "TLS on the way there. An engine's URL decides whether TLS is used; brokers are "
         "reached by TLS when this table is there."},
    {.name = "topic",
     .type = CONF_STRING,
     AT(topic),
     .flags = CONF_REQUIRED,
     .only = "kafka",
     .example = "okta-%{[data_stream.namespace]}",
     .description = "Topic of the documents, with fields as in `index`."},
    {.name = "key",
     .type = CONF_STRING,
     AT(key),
     .only = "kafka",
     .initial_says = "none",
     .example = "%{[event.id]}",
     .description = "Key of each message."},
    {.name = "partition",
     .type = CONF_ENUM,
     AT(partition),
     .words = partitions,
     .only = "kafka",
     .initial = "hash",
     .description = "By the key's hash (messages without one anywhere), by chance, or in turn."},
    {.name = "compression",
     .type = CONF_ENUM,
     AT(compression),
     .words = compressions,
     .only = "kafka",
     .initial = "gzip",
     .description = "Codec of the messages."},
    {.name = "max_message_bytes",
     .type = CONF_INT,
     AT(max_message_bytes),
     .only = "kafka",
     .initial = "1000000",
     .min = 1000,
     .max = 1e9,
     .description = "A larger document becomes a dead letter. Not more than the brokers take."},
    {.name = "required_acks",
     .type = CONF_INT,
     AT(required_acks),
     .only = "kafka",
     .initial = "-1",
     .min = -1,
     .max = 1,
     .description = "Only -1, all replicas: a transaction takes nothing less. Filebeat's default "
                    "is 1."},
    {.name = "client_id",
     .type = CONF_STRING,
     AT(client_id),
     .only = "kafka",
     .initial = "gatehouse",
     .description = "What the brokers call us in their logs."},
    {.name = "transactional_id",
     .type = CONF_STRING,
     AT(transactional_id),
     .only = "kafka",
     .initial_says = "`gatehouse-` and the output's name",
     .description = "Whoever starts with the same one takes over where the other stood, and the "
                    "other one is stopped: of a collector that has a spare, both have the same; of "
                    "two that have nothing to do with each other, each has its own."},
    {.name = "position_topic",
     .type = CONF_STRING,
     AT(position_topic),
     .only = "kafka",
     .initial = "gatehouse-positions",
     .description = "Compacted topic that holds the cursors, made when it is missing; another one "
                    "than `topic`. Several collectors may share it."},
    {.name = "sasl",
     .type = CONF_TABLE,
     AT(sasl),
     .table = &sasl_table,
     .only = "kafka",
     .initial_says = "see below",
     .description = "Signing in to brokers."},
    {.name = "loadbalance",
     .type = CONF_BOOL,
     .flags = CONF_NOT_YET,
     .instead = "one host is asked at a time, the others stand by; put a load balancer in front of "
                "them, or leave the key out"},
    {.name = "worker",
     .type = CONF_INT,
     .flags = CONF_NOT_YET,
     .instead = "pages are sent one after the other; leave the key out"},
    {.name = "topics",
     .type = CONF_ANYTHING,
     .flags = CONF_NOT_YET,
     .instead = "several outputs with a `filter` each and a `topic` each do the same"},
    {.name = "indices",
     .type = CONF_ANYTHING,
     .flags = CONF_NOT_YET,
     .instead = "several outputs with a `filter` each and an `index` each do the same"},
    {.name = "kerberos",
     .type = CONF_ANYTHING,
     .flags = CONF_NOT_YET,
     .instead = "use an API key, a client certificate or SASL"},
    {.name = "enabled",
     .type = CONF_BOOL,
     AT(enabled),
     .initial = "true",
     .description = "As in Filebeat's files; one that is not wanted is left out of the file."},
};
#undef AT
const char *settings_compression_name(int compression) { return compressions[compression]; }
const char *settings_mechanism_name(int mechanism) {
    return mechanism < 0 ? NULL : mechanisms[mechanism];
}

const struct conf_table settings_output_table = {
    .name = "output",
    .keys = output_keys,
    .n = LEN(output_keys),
    .bytes = sizeof(struct settings_output),
    .kind = "type",
    .check = settings_check_output,
    .description = "Where the documents go. The keys are Filebeat's.",
};
