// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/map-stream.h"
#include "daemon/plan.h"
#include "daemon/settings.h"
#include "ecs/geo.h"
#include "ecs/useragent.h"

static int fail(const struct fault *fault, int e) {
    fprintf(stderr, "gatehouse map: %s\n", fault->text[0] ? fault->text : error_text(e));
    return EXIT_FAILED;
}

// ---- the form of the documents, which settings have with an output: map has none ----

struct form {
    bool raw, go_encoding;
};

static bool say_wrong(const char *key, struct str value, const char *expected) {
    fprintf(stderr, "--set %s: '%.*s' is wrong, expected %s\n", key, STR_ARG(value), expected);
    return false;
}

static bool take_format(struct form *form, struct str value) {
    form->raw = str_eqz(value, "raw");
    return form->raw || str_eqz(value, "ecs") || say_wrong("format", value, "one of ecs, raw");
}

static bool take_go_encoding(struct form *form, struct str value) {
    return parse_bool(value, &form->go_encoding) ||
           say_wrong("go_encoding", value, "true or false");
}

static const struct {
    const char *key;
    bool (*take)(struct form *form, struct str value);
} form_keys[] = {{"format", take_format}, {"go_encoding", take_go_encoding}};

// Takes what is about the form; the others are left in `rest`, in order. False: said why not.
static bool take_form(const struct args *args, struct form *ret, const char **rest, size_t *ret_n) {
    *ret_n = 0;
    for (size_t i = 0; i < args->set_count; i++) {
        struct str value = str_from(args->sets[i]);
        struct str key = str_split(&value, '=');
        size_t k = 0;
        while (k < LEN(form_keys) && !(value.p && str_eqz(key, form_keys[k].key))) k++;
        if (k == LEN(form_keys)) rest[(*ret_n)++] = args->sets[i];
        else if (!form_keys[k].take(ret, value)) return false;
    }
    if (!ret->go_encoding || ret->raw) return true;
    fprintf(stderr, "--set go_encoding: only with format=raw\n");
    return false;
}

static int map(struct ecs_mapper *mapper, const struct form *form) {
    struct map_result result = {0};
    struct fault fault = {{0}};
    const struct map_ends ends = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    enum ecs_form wanted = form->go_encoding ? ECS_FORM_RAW_GO
                           : form->raw       ? ECS_FORM_RAW
                                             : ECS_FORM_ECS;
    int e = map_stream(mapper, wanted, &ends, &result, &fault);
    if (e) return fail(&fault, e);
    if (result.undated > 0 && !form->raw)
        fprintf(stderr, "%" PRId64 " events without a readable `published`: no @timestamp\n",
                result.undated);
    return result.refused ? EXIT_FAILED : EXIT_DONE;
}

int command_map(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    AUTO(ecs_useragents) struct ecs_useragents *useragents = NULL;
    AUTO(ecs_geo) struct ecs_geo *geo = NULL;
    AUTO(ecs_mapper) struct ecs_mapper *mapper = NULL;
    const struct log log = {.fd = STDERR_FILENO, .level = LOG_WARN};
    struct fault fault = {{0}};
    struct form form = {0};
    const char *sets[ARGS_SETS_MAX];
    size_t set_count;
    if (!take_form(args, &form, sets, &set_count)) return EXIT_USAGE;
    if (settings_for_map_or_say(&settings, sets, set_count)) return EXIT_USAGE;
    int e = plan_useragents(&useragents, settings, &log);
    if (!e) e = plan_geo(&geo, settings, &fault);
    if (e) return fail(&fault, e);
    struct ecs_opts opts = plan_ecs(&settings->sources[0], useragents, geo);
    e = ecs_mapper_new(&mapper, &opts);
    return e ? fail(&fault, e) : map(mapper, &form);
}
