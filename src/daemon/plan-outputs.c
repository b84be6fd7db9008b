// SPDX-License-Identifier: Apache-2.0
#include "daemon/plan-outputs.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/settings.h"
#include "http/client.h"

_Static_assert((int)SETTINGS_OPENSEARCH - (int)SETTINGS_ELASTICSEARCH ==
                   (int)ELASTIC_OPENSEARCH - (int)ELASTIC_ELASTICSEARCH,
               "kinds of engines are in the order of the settings");

static struct elastic_opts elastic_opts(const struct settings_output *o, const char *no_proxy) {
    return (struct elastic_opts){
        .kind = (enum elastic_kind)(o->type - SETTINGS_ELASTICSEARCH),
        .hosts = o->hosts,
        .host_count = o->host_count,
        .protocol = o->protocol == 1 ? "https" : "http",
        .path = o->path,
        .username = o->username,
        .password = o->password,
        .api_key = o->api_key,
        .headers = o->headers,
        .header_count = o->header_count,
        .parameters = o->parameters,
        .parameter_count = o->parameter_count,
        .compression_level = (int)o->compression_level,
        .timeout_ms = o->timeout_ms,
        .proxy_url = o->proxy_url,
        .no_proxy = no_proxy,
        .proxy_disable = o->proxy_disable,
        .tls = settings_tls(&o->ssl),
        .index = o->index,
        .pipeline = o->pipeline,
        .bulk_max_size = (int)o->bulk_max_size,
        .template = o->template,
        .retention_ms = o->retention_ms,
        .raw = o->format == SETTINGS_RAW,
    };
}

static struct kafka_opts kafka_opts(const struct settings_output *o) {
    return (struct kafka_opts){
        .hosts = o->hosts,
        .host_count = o->host_count,
        .topic = o->topic,
        .key = o->key,
        .partition = o->partition,
        .headers = o->headers,
        .header_count = o->header_count,
        .compression = settings_compression_name(o->compression),
        .compression_level = (int)o->compression_level,
        .max_message_bytes = o->max_message_bytes,
        .timeout_ms = o->timeout_ms,
        .client_id = o->client_id,
        .transactional_id = o->transactional_id,
        .position_topic = o->position_topic,
        .sasl_mechanism = settings_mechanism_name(o->sasl.mechanism),
        .username = o->username,
        .password = o->password,
        .tls = o->has_ssl,
        .certificate_authorities = o->ssl.certificate_authorities,
        .certificate_authority_count = o->ssl.certificate_authority_count,
        .certificate = o->ssl.certificate,
        .key_file = o->ssl.key,
        .key_passphrase = o->ssl.key_passphrase,
        .verify_none = o->ssl.verification_mode == SETTINGS_VERIFY_NONE,
    };
}

static enum ecs_form form_of(const struct settings_output *o) {
    if (o->format == SETTINGS_ECS) return ECS_FORM_ECS;
    return o->go_encoding ? ECS_FORM_RAW_GO : ECS_FORM_RAW;
}

static struct watch_filter filter_of(const struct settings_filter *f) {
    return (struct watch_filter){
        f->event_types, f->event_type_count, f->exclude_event_types, f->exclude_event_type_count,
        f->outcomes,    f->outcome_count};
}

static struct watch_output_opts watch_opts(const struct settings_output *o,
                                           const struct plan_output *p) {
    bool engine = o->type == SETTINGS_ELASTICSEARCH || o->type == SETTINGS_OPENSEARCH;
    return (struct watch_output_opts){
        .name = o->name,
        .type = sink_type_find(settings_output_type_name(o->type)),
        .sink =
            {
                .name = o->name,
                .path = o->path,
                .filename = o->filename,
                .rotate_every_kb = o->rotate_every_kb,
                .number_of_files = o->number_of_files,
                .permissions = o->permissions,
                .keep_ms = o->keep_ms,
                .fd = STDOUT_FILENO,
                .elastic = engine ? &p->elastic : NULL,
                .kafka = o->type == SETTINGS_KAFKA ? &p->kafka : NULL,
                .streams = p->streams,
                .stream_count = p->stream_count,
            },
        .form = form_of(o),
        .filter = filter_of(&o->filter),
        .backoff_init_ms = o->backoff.init_ms,
        .backoff_max_ms = o->backoff.max_ms,
    };
}

int plan_output_elastic(const struct settings_output *o, struct plan_output *ret) {
    *ret = (struct plan_output){0};
    int e = settings_join_hosts(o->no_proxy, o->no_proxy_count, &ret->no_proxy);
    if (!e) ret->elastic = elastic_opts(o, ret->no_proxy);
    return e;
}

void plan_output_fini(struct plan_output *o) {
    free(TAKE(o->no_proxy));
    free(TAKE(o->streams));
}

// ---- what is delivered

static void add_stream(struct plan_output *p, struct sink_stream stream) {
    for (size_t i = 0; i < p->stream_count; i++)
        if (strcmp(p->streams[i].dataset, stream.dataset) == 0 &&
            strcmp(p->streams[i].name_space, stream.name_space) == 0)
            return;
    p->streams[p->stream_count++] = stream;
}

static int find_streams(struct plan_output *p, const struct settings *settings,
                        const struct settings_output *o) {
    static const struct sink_stream gate[] = {{"gatehouse.gate", "default"},
                                              {"gatehouse.mfa", "default"}};
    bool audited = settings->gate.audit && settings_gate_feeds(&settings->gate, o);
    p->streams = mem_new_array(settings->source_count + LEN(gate), sizeof *p->streams);
    if (!p->streams) return -ENOMEM;
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct settings_source *s = &settings->sources[i];
        const char *name_space = s->data_stream.namespace ? s->data_stream.namespace : "default";
        if (settings_source_feeds(s, o))
            add_stream(p, (struct sink_stream){"okta.system", name_space});
    }
    for (size_t i = 0; audited && i < LEN(gate); i++) add_stream(p, gate[i]);
    return 0;
}

// ---- all of them

static int fill(struct plan_outputs *p, size_t i, const struct settings *settings) {
    const struct settings_output *o = &settings->outputs[i];
    bool engine = o->type == SETTINGS_ELASTICSEARCH || o->type == SETTINGS_OPENSEARCH;
    int e = engine ? plan_output_elastic(o, &p->each[i]) : 0;
    if (!e) e = find_streams(&p->each[i], settings, o);
    if (o->type == SETTINGS_KAFKA) p->each[i].kafka = kafka_opts(o);
    p->opts[i] = watch_opts(o, &p->each[i]);
    return e;
}

int plan_outputs_init(struct plan_outputs *p, const struct settings *settings) {
    p->n = settings->output_count;
    p->each = mem_new_array(p->n, sizeof *p->each);
    p->opts = mem_new_array(p->n, sizeof *p->opts);
    int e = p->each && p->opts ? 0 : -ENOMEM;
    for (size_t i = 0; !e && i < p->n; i++) e = fill(p, i, settings);
    return e;
}

void plan_outputs_fini(struct plan_outputs *p) {
    for (size_t i = 0; p->each && i < p->n; i++) plan_output_fini(&p->each[i]);
    free(p->each);
    free(p->opts);
    *p = (struct plan_outputs){0};
}
