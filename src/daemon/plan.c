// SPDX-License-Identifier: Apache-2.0
#include "daemon/plan.h"

#include <errno.h>
#include <unistd.h>

#include "conf/uap.h"
#include "daemon/plan-orgs.h"
#include "daemon/settings.h"
#include "ecs/geo.h"
#include "ecs/useragent.h"
#include "loop/loop.h"
#include "mfa/stepup.h"

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
        .org = plan_orgs_of(p->orgs, i),
        .interval_ms = s->interval_ms,
        .initial_interval_ms = s->initial_interval_ms,
        .limit = (int)s->limit,
        .ecs = plan_ecs(s, p->useragents, p->geo),
        .outputs = chosen,
        .output_count = count,
    };
    p->sources[i].ecs.agent_name = p->host;
}

// The gate's own documents come from its journal in the state.
static void add_gate(struct plan *p, size_t *chosen) {
    const struct settings_gate *gate = &p->settings->gate;
    size_t count = 0;
    if (!gate->audit) return;
    for (size_t k = 0; k < p->settings->output_count; k++)
        if (settings_gate_feeds(gate, &p->settings->outputs[k])) chosen[count++] = k;
    p->sources[p->source_count++] = (struct watch_source_opts){
        .name = SETTINGS_GATE_NAME,
        .journal = true,
        .outputs = chosen,
        .output_count = count,
    };
}

size_t plan_stepup_sources(const struct plan *p, struct stepup_source *ret) {
    for (size_t i = 0; i < p->settings->source_count; i++) {
        const struct settings_source *s = &p->settings->sources[i];
        ret[i] = (struct stepup_source){
            .name = s->name,
            .org = plan_orgs_of(p->orgs, i),
            .url = s->url,
            .client_id = s->auth_method == SETTINGS_API_KEY ? NULL : s->client_id,
        };
    }
    return p->settings->source_count;
}

static int make_arrays(struct plan *p) {
    size_t sources = p->settings->source_count + 1; // and the gate's
    size_t outputs = p->settings->output_count;
    p->sources = mem_new_array(sources, sizeof *p->sources);
    p->chosen_outputs = mem_new_array(sources * outputs, sizeof *p->chosen_outputs);
    bool all = p->sources && p->chosen_outputs;
    return all ? 0 : -ENOMEM;
}

int plan_new(struct plan **ret, struct loop *loop, const struct settings *settings,
             struct store *store, const struct log *log, struct fault *fault) {
    AUTO(plan) struct plan *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->settings = settings;
    if (gethostname(p->host, sizeof p->host - 1) != 0) p->host[0] = '\0';
    int e = make_arrays(p);
    if (!e) e = plan_outputs_init(&p->outputs, settings);
    if (!e) e = plan_useragents(&p->useragents, settings, log);
    if (!e) e = plan_geo(&p->geo, settings, fault);
    if (!e) e = plan_orgs_new(&p->orgs, loop, settings, store, log, fault);
    if (e) return e;
    for (size_t i = 0; i < settings->source_count; i++)
        fill_source(p, i, p->chosen_outputs + i * settings->output_count);
    p->source_count = settings->source_count;
    add_gate(p, p->chosen_outputs + settings->source_count * settings->output_count);
    *ret = TAKE(p);
    return 0;
}

struct plan *plan_free(struct plan *p) {
    if (!p) return NULL;
    plan_orgs_free(p->orgs);
    ecs_useragents_free(p->useragents);
    ecs_geo_free(p->geo);
    free(p->sources);
    plan_outputs_fini(&p->outputs);
    free(p->chosen_outputs);
    free(p);
    return NULL;
}
