// SPDX-License-Identifier: Apache-2.0
#include "daemon/plan.h"

#include <errno.h>
#include <unistd.h>

#include "conf/uap.h"
#include "daemon/settings.h"
#include "ecs/geo.h"
#include "ecs/useragent.h"
#include "loop/loop.h"

// ---- what mapping needs ----

static int add_rule(void *ctx, const struct conf_uap_rule *rule) {
    static const enum ecs_ua_group groups[] = {[CONF_UAP_AGENT] = ECS_UA_AGENT,
                                               [CONF_UAP_OS] = ECS_UA_OS,
                                               [CONF_UAP_DEVICE] = ECS_UA_DEVICE};
    struct ecs_ua_rule copy = {
        .group = groups[rule->group],
        .regex = rule->regex,
        .flag = rule->flag,
    };
    memcpy(copy.replacements, rule->replacements, sizeof copy.replacements);
    return ecs_useragents_add(ctx, &copy);
}

int plan_useragents(struct ecs_useragents **ret, const struct settings *settings,
                    const struct log *log) {
    AUTO(ecs_useragents) struct ecs_useragents *made = NULL;
    struct fault fault = {{0}};
    int e = ecs_useragents_new(&made);
    if (e) return e;
    e = conf_uap_read(settings->useragents, add_rule, made, &fault);
    if (e == -ENOMEM) return e;
    if (e)
        log_warn(
            log, "useragents.missing", KV_STR("reason", fault.text),
            KV_STR("help", "user_agent.* holds the original only; see the setting useragents"));
    else *ret = TAKE(made);
    return 0;
}

int plan_geo(struct ecs_geo **ret, const struct settings *settings, struct fault *fault) {
    if (!settings->geo.city && !settings->geo.asn) return 0;
    return ecs_geo_new(ret, settings->geo.city, settings->geo.asn, fault);
}

// ---- orgs: one per URL and credentials, so that one budget serves all its sources ----

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_ssl(const struct settings_ssl *a, const struct settings_ssl *b) {
    if (a->verification_mode != b->verification_mode) return false;
    if (a->certificate_authority_count != b->certificate_authority_count) return false;
    for (size_t i = 0; i < a->certificate_authority_count; i++)
        if (!same_text(a->certificate_authorities[i], b->certificate_authorities[i])) return false;
    return true;
}

static bool same_org(const struct settings_source *a, const struct settings_source *b) {
    return same_text(a->url, b->url) && same_text(a->api_key, b->api_key) &&
           same_text(a->proxy_url, b->proxy_url) && same_ssl(&a->ssl, &b->ssl) &&
           a->disable_keep_alive == b->disable_keep_alive &&
           a->http_client_timeout_ms == b->http_client_timeout_ms;
}

// Requests that an early limit leaves of a window of 1000: the more, the stricter.
static double left_over(double early_limit) {
    return early_limit < 1 ? 1000 * (1 - early_limit) : early_limit;
}

// The strictest early limit of all sources that share the org.
static double strictest_limit(const struct settings *s, const struct settings_source *of) {
    double strictest = of->rate_limit_early_limit;
    for (size_t i = 0; i < s->source_count; i++) {
        const struct settings_source *other = &s->sources[i];
        if (!same_org(of, other)) continue;
        if (left_over(other->rate_limit_early_limit) > left_over(strictest))
            strictest = other->rate_limit_early_limit;
    }
    return strictest;
}

static int make_org(struct plan *p, struct loop *loop, const struct settings_source *s,
                    struct fault *fault) {
    const struct okta_org_opts opts = {
        .url = s->url,
        .api_key = s->api_key,
        .rate_limit_early_limit = strictest_limit(p->settings, s),
        .http_client_timeout_ms = s->http_client_timeout_ms,
        .http =
            {
                .proxy_url = s->proxy_url,
                .ca_files = s->ssl.certificate_authorities,
                .ca_file_count = s->ssl.certificate_authority_count,
                .verify = s->ssl.verification_mode == SETTINGS_VERIFY_NONE ? HTTP_VERIFY_NONE
                                                                           : HTTP_VERIFY_FULL,
                .disable_keep_alive = s->disable_keep_alive,
                .user_agent = "gatehouse/" GATEHOUSE_VERSION,
            },
    };
    int e = okta_org_new(&p->orgs[p->org_count], loop, &opts, fault);
    if (!e) p->org_count++;
    return e;
}

static int make_orgs(struct plan *p, struct loop *loop, struct fault *fault) {
    const struct settings *s = p->settings;
    for (size_t i = 0; i < s->source_count; i++) {
        for (size_t k = 0; k < i && !p->org_of[i]; k++)
            if (same_org(&s->sources[i], &s->sources[k])) p->org_of[i] = p->org_of[k];
        if (p->org_of[i]) continue;
        int e = make_org(p, loop, &s->sources[i], fault);
        if (e) return e;
        p->org_of[i] = p->orgs[p->org_count - 1];
    }
    return 0;
}

// ---- the options of the watch ----

struct ecs_opts plan_ecs(const struct settings_source *s, struct ecs_useragents *useragents,
                         const struct ecs_geo *geo) {
    return (struct ecs_opts){
        .tags = s->tags,
        .tag_count = s->tag_count,
        .preserve_original_event = s->preserve_original_event,
        .remove_flattened_debug = s->remove_flattened_debug,
        .event_type_tags = s->event_type_tags,
        .okta_url = s->url,
        .useragents = useragents,
        .geo = geo,
        .agent_version = GATEHOUSE_VERSION,
        .data_stream_namespace = s->data_stream.namespace,
    };
}

static void fill_source(struct plan *p, size_t i, size_t *chosen) {
    const struct settings_source *s = &p->settings->sources[i];
    size_t count = 0;
    for (size_t k = 0; k < p->settings->output_count; k++)
        if (settings_source_feeds(s, &p->settings->outputs[k])) chosen[count++] = k;
    p->sources[i] = (struct watch_source_opts){
        .name = s->name,
        .url = s->url,
        .org = p->org_of[i],
        .interval_ms = s->interval_ms,
        .initial_interval_ms = s->initial_interval_ms,
        .limit = (int)s->limit,
        .ecs = plan_ecs(s, p->useragents, p->geo),
        .outputs = chosen,
        .output_count = count,
    };
    p->sources[i].ecs.agent_name = p->host;
}

static void fill_output(struct plan *p, size_t i) {
    const struct settings_output *o = &p->settings->outputs[i];
    p->outputs[i] = (struct watch_output_opts){
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
            },
    };
}

static int make_arrays(struct plan *p) {
    size_t sources = p->settings->source_count;
    size_t outputs = p->settings->output_count;
    p->orgs = mem_new_array(sources, sizeof(struct okta_org *));
    p->org_of = mem_new_array(sources, sizeof(struct okta_org *));
    p->sources = mem_new_array(sources, sizeof *p->sources);
    p->outputs = mem_new_array(outputs, sizeof *p->outputs);
    p->chosen_outputs = mem_new_array(sources * outputs, sizeof *p->chosen_outputs);
    bool all = p->orgs && p->org_of && p->sources && p->outputs && p->chosen_outputs;
    return all ? 0 : -ENOMEM;
}

int plan_new(struct plan **ret, struct loop *loop, const struct settings *settings,
             const struct log *log, struct fault *fault) {
    AUTO(plan) struct plan *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->settings = settings;
    if (gethostname(p->host, sizeof p->host - 1) != 0) p->host[0] = '\0';
    int e = make_arrays(p);
    if (!e) e = plan_useragents(&p->useragents, settings, log);
    if (!e) e = plan_geo(&p->geo, settings, fault);
    if (!e) e = make_orgs(p, loop, fault);
    if (e) return e;
    for (size_t i = 0; i < settings->source_count; i++)
        fill_source(p, i, p->chosen_outputs + i * settings->output_count);
    for (size_t i = 0; i < settings->output_count; i++) fill_output(p, i);
    *ret = TAKE(p);
    return 0;
}

struct plan *plan_free(struct plan *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->org_count; i++) okta_org_free(p->orgs[i]);
    ecs_useragents_free(p->useragents);
    ecs_geo_free(p->geo);
    free(p->orgs);
    free(p->org_of);
    free(p->sources);
    free(p->outputs);
    free(p->chosen_outputs);
    free(p);
    return NULL;
}
