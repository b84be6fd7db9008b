// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "cli/commands.h"
#include "daemon/daemon.h"
#include "watch/watch.h"

// An instant, or a duration that counts back from now.
static bool parse_instant(const char *text, struct watch_instant *ret) {
    struct watch_instant at = {0};
    if (!time_parse_iso8601(str_from(text), &at.ms)) {
        at.ago = true;
        if (!parse_duration_ms(str_from(text), &at.ms) || at.ms < 0) return false;
    }
    *ret = at;
    return true;
}

static int wrong(const char *what, const char *text) {
    fprintf(stderr,
            "gatehouse backfill: %s %s: expected an instant (2026-08-01, 2026-08-01T10:00:00Z) or "
            "how long ago (90d, 12h)\n",
            what, text);
    return EXIT_USAGE;
}

static int64_t by_our_clock(const struct watch_instant *at) {
    return at->ago ? time_now_ms() - at->ms : at->ms;
}

static int parse_range(const struct args *args, struct watch_backfill *b) {
    b->until = (struct watch_instant){.ago = true};
    if (!args->since) {
        fprintf(stderr,
                "gatehouse backfill: --since is missing: where to begin, for example 90d\n");
        return EXIT_USAGE;
    }
    if (!parse_instant(args->since, &b->since)) return wrong("--since", args->since);
    if (args->until && !parse_instant(args->until, &b->until)) return wrong("--until", args->until);
    if (by_our_clock(&b->since) < by_our_clock(&b->until)) return 0;
    fprintf(stderr, "gatehouse backfill: --since %s is not before --until %s\n", args->since,
            args->until ? args->until : "now");
    return EXIT_USAGE;
}

int command_backfill(const struct args *args) {
    struct watch_backfill backfill = {
        .sources = args->sources,
        .source_count = args->source_count,
        .outputs = args->outputs,
        .output_count = args->output_count,
    };
    const struct daemon_opts opts = {
        .config = args->config,
        .sets = args->sets,
        .set_count = args->set_count,
        .backfill = &backfill,
    };
    int e = parse_range(args, &backfill);
    return e ? e : daemon_run(&opts);
}
