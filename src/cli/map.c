// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

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

static int map(struct ecs_mapper *mapper) {
    struct map_result result = {0};
    struct fault fault = {{0}};
    int e = map_stream(mapper, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, &result, &fault);
    if (e) return fail(&fault, e);
    if (result.undated > 0)
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
    if (settings_for_map_or_say(&settings, args->sets, args->set_count)) return EXIT_USAGE;
    int e = plan_useragents(&useragents, settings, &log);
    if (!e) e = plan_geo(&geo, settings, &fault);
    if (e) return fail(&fault, e);
    struct ecs_opts opts = plan_ecs(&settings->sources[0], useragents, geo);
    e = ecs_mapper_new(&mapper, &opts);
    return e ? fail(&fault, e) : map(mapper);
}
