// SPDX-License-Identifier: Apache-2.0
// `setup`: what an engine has to be told before documents come.
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/commands.h"
#include "daemon/plan-outputs.h"
#include "daemon/settings.h"
#include "elastic/setup.h"
#include "sink/sink.h"
#include "json/write.h"

enum { EXPORT_MAX_BYTES = 16 << 20 };

struct job {
    const struct args *args;
    enum settings_output_type type;
    const char *type_name;
};

static int say_error(int e) {
    fprintf(stderr, "gatehouse setup: %s\n", error_text(e));
    return EXIT_FAILED;
}

// ---- which outputs

static bool is_named(const struct args *args, const char *name) {
    for (size_t i = 0; i < args->output_count; i++)
        if (strcmp(args->outputs[i], name) == 0) return true;
    return args->output_count == 0;
}

static bool is_chosen(const struct job *job, const struct settings_output *o) {
    return o->type == job->type && is_named(job->args, o->name);
}

static bool has_output(const struct job *job, const struct settings *settings, const char *name) {
    for (size_t i = 0; settings && i < settings->output_count; i++)
        if (settings->outputs[i].type == job->type && !strcmp(settings->outputs[i].name, name))
            return true;
    return false;
}

static int say_unknown(const struct job *job, const struct settings *settings, const char *name) {
    const char *between = ", expected";
    fprintf(stderr, "gatehouse setup: no output of type %s is called %s", job->type_name, name);
    for (size_t i = 0; settings && i < settings->output_count; i++) {
        if (settings->outputs[i].type != job->type) continue;
        fprintf(stderr, "%s %s", between, settings->outputs[i].name);
        between = " or";
    }
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}

static int check_names(const struct job *job, const struct settings *settings) {
    for (size_t i = 0; i < job->args->output_count; i++) {
        const char *name = job->args->outputs[i];
        if (!has_output(job, settings, name)) return say_unknown(job, settings, name);
    }
    return 0;
}

// ---- putting

struct report {
    bool dry_run;
    bool told; // what failed
};

static const char *const done[] = {
    [ELASTIC_PUT_CREATED] = "created",
    [ELASTIC_PUT_UPDATED] = "updated",
    [ELASTIC_PUT_SAME] = "is there",
    [ELASTIC_PUT_NEWER] = "a newer gatehouse's is there and stays",
    [ELASTIC_PUT_SKIPPED] = "skipped",
    [ELASTIC_PUT_FAILED] = "failed",
};

static void print_asset(void *ctx, const struct elastic_asset *asset, enum elastic_put what,
                        const char *text) {
    struct report *report = ctx;
    char line[FAULT_TEXT_MAX + 100];
    bool would = report->dry_run && (what == ELASTIC_PUT_CREATED || what == ELASTIC_PUT_UPDATED);
    snprintf(line, sizeof line, "%s%s%s%s%s", would ? "would be " : "", done[what],
             *text ? " (" : "", text, *text ? ")" : "");
    print_step(what != ELASTIC_PUT_FAILED, asset->name, line);
    if (what == ELASTIC_PUT_FAILED) report->told = true;
}

static int set_up(const struct job *job, const struct settings_output *o) {
    AUTO(elastic) struct elastic *engine = NULL;
    struct plan_output plan;
    struct fault fault = {{0}};
    struct report report = {.dry_run = job->args->dry_run};
    print_output(o->name, job->type_name, o->hosts, o->host_count);
    int e = plan_output_elastic(o, &plan);
    if (!e) e = elastic_new(&engine, &plan.elastic, NULL, &fault);
    if (!e) e = elastic_knock(engine, &fault);
    if (!e && plan.elastic.raw)
        print_step(true, "templates", "none of gatehouse's for format: raw, but the engine's own");
    if (!e) e = elastic_setup(engine, report.dry_run, print_asset, &report, &fault);
    engine = elastic_free(engine);
    plan_output_fini(&plan);
    if (e && !report.told)
        print_step(false, "cannot be set up", fault.text[0] ? fault.text : error_text(e));
    return e ? EXIT_FAILED : EXIT_DONE;
}

static int set_up_all(const struct job *job, const struct settings *settings) {
    int status = EXIT_DONE;
    size_t n = 0;
    for (size_t i = 0; i < settings->output_count; i++) {
        if (!is_chosen(job, &settings->outputs[i])) continue;
        n++;
        if (set_up(job, &settings->outputs[i])) status = EXIT_FAILED;
    }
    if (n) return status;
    fprintf(stderr, "gatehouse setup: the settings have no output of type %s\n", job->type_name);
    return EXIT_USAGE;
}

// ---- exporting

struct export {
    struct buf out;
};

// What two outputs have in common is printed once.
static bool is_written(const struct buf *out, const char *path) {
    char line[1024];
    int n = snprintf(line, sizeof line, "\n\"%s\": ", path);
    struct str all = buf_str(out);
    return str_find(all, (struct str){line, (size_t)n}) < all.n;
}

static int export_asset(void *ctx, const struct elastic_asset *asset) {
    struct export *export = ctx;
    if (is_written(&export->out, asset->path)) return 0;
    buf_addf(&export->out, "%s\n\"%s\": ", export->out.n > 1 ? "," : "", asset->path);
    buf_add_str(&export->out, str_trim(asset->body));
    return export->out.error;
}

static int export_output(const struct settings_output *o, struct export *export) {
    struct plan_output plan;
    int e = plan_output_elastic(o, &plan);
    if (!e) e = elastic_assets(&plan.elastic, export_asset, export);
    plan_output_fini(&plan);
    return e;
}

static int export_all(const struct job *job, const struct settings *settings) {
    AUTO_FINI(buf) struct buf text = buf_make(EXPORT_MAX_BYTES);
    struct export export = {.out = text};
    size_t n = 0;
    int e = 0;
    buf_addc(&export.out, '{');
    for (size_t i = 0; !e && settings && i < settings->output_count; i++) {
        if (!is_chosen(job, &settings->outputs[i])) continue;
        n++;
        e = export_output(&settings->outputs[i], &export);
    }
    if (n == 0) {
        const struct elastic_opts usual = {
            .kind = job->type == SETTINGS_OPENSEARCH ? ELASTIC_OPENSEARCH : ELASTIC_ELASTICSEARCH,
            .template = true,
        };
        e = elastic_assets(&usual, export_asset, &export);
    }
    buf_addz(&export.out, "\n}\n");
    text = export.out;
    if (!e) e = text.error;
    if (e) return say_error(e);
    bool written = fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
    return written ? EXIT_DONE : EXIT_FAILED;
}

// ---- the command

// --export says what would be put into an engine of the usual settings when there are none.
static bool needs_settings(const struct args *args) {
    return !args->export || args->config || args->set_count || args->output_count ||
           settings_file_exists();
}

int command_setup(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    struct job job = {.args = args, .type_name = args->words[0]};
    bool opensearch = strcmp(job.type_name, "opensearch") == 0;
    if (!opensearch && strcmp(job.type_name, "elasticsearch") != 0) {
        fprintf(stderr, "gatehouse setup: %s: expected elasticsearch or opensearch\n",
                job.type_name);
        return EXIT_USAGE;
    }
    job.type = opensearch ? SETTINGS_OPENSEARCH : SETTINGS_ELASTICSEARCH;
    if (needs_settings(args) &&
        settings_load_or_say(&settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    int e = check_names(&job, settings);
    if (e) return e;
    return args->export ? export_all(&job, settings) : set_up_all(&job, settings);
}
