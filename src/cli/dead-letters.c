// SPDX-License-Identifier: Apache-2.0
// Events that could not be mapped, or that an output rejected: listed, and delivered once more.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/time.h"
#include "cli/commands.h"
#include "daemon/plan.h"
#include "daemon/settings.h"
#include "loop/loop.h"
#include "watch/replay.h"
#include "json/write.h"

enum { ROW_MAX_BYTES = 256 << 20 };

struct listing {
    int64_t only;
    size_t shown;
};

static int complain(const char *what, const struct fault *fault, int e) {
    fprintf(stderr, "gatehouse dead-letters %s: %s\n", what,
            fault->text[0] ? fault->text : error_text(e));
    return EXIT_FAILED;
}

static void add(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    if (value.p) json_add_text(out, value);
    else json_add_null(out);
}

static int print_row(void *ctx, const struct store_dead_row *row) {
    struct listing *l = ctx;
    if (l->only && l->only != row->id) return 0;
    AUTO_FINI(buf) struct buf out = buf_make(ROW_MAX_BYTES);
    char at[TIME_RFC3339_MAX];
    time_format_rfc3339(row->at_ms, at);
    json_open(&out, '{');
    json_key(&out, STR("id"));
    json_add_i64(&out, row->id);
    add(&out, "at", str_from(at));
    add(&out, "source", row->source);
    add(&out, "output", row->output);
    add(&out, "uuid", row->uuid);
    add(&out, "reason", row->reason);
    add(&out, "event", row->event);
    json_close(&out, '}');
    buf_addc(&out, '\n');
    if (out.error) return out.error;
    l->shown++;
    return fwrite(out.p, 1, out.n, stdout) == out.n ? 0 : -EIO;
}

static int say_none(const char *what, int64_t id) {
    fprintf(stderr, "gatehouse dead-letters %s: there is none with the number %" PRId64 "\n", what,
            id);
    return EXIT_FAILED;
}

static int list(const struct settings *settings, int64_t only) {
    AUTO(store) struct store *store = NULL;
    struct fault fault = {{0}};
    struct listing l = {.only = only};
    int e = store_open(&store, settings->state, STORE_READ, &fault);
    if (!e) e = store_dead_each(store, print_row, &l, &fault);
    if (e) return complain("list", &fault, e);
    return only && l.shown == 0 ? say_none("list", only) : EXIT_DONE;
}

static void say_kept(int64_t id, const char *reason) {
    fprintf(stderr, "dead letter %" PRId64 " stays: %s\n", id, reason);
}

static int replay(const struct settings *settings, int64_t only) {
    AUTO(loop) struct loop *loop = NULL;
    AUTO(store) struct store *store = NULL;
    AUTO(plan) struct plan *plan = NULL;
    struct fault fault = {{0}};
    struct replay_result result = {0};
    int e = loop_new(&loop);
    if (!e) e = store_open(&store, settings->state, STORE_WRITE, &fault);
    if (!e) e = plan_new(&plan, loop, settings, NULL, NULL, &fault);
    if (e) return complain("replay", &fault, e);
    const struct watch_opts opts = {
        .loop = loop,
        .store = store,
        .sources = plan->sources,
        .source_count = plan->source_count,
        .outputs = plan->outputs.opts,
        .output_count = settings->output_count,
    };
    e = replay_run(&opts, only, say_kept, &result, &fault);
    if (e) return complain("replay", &fault, e);
    if (only && result.delivered + result.kept == 0) return say_none("replay", only);
    printf("%" PRId64 " delivered, %" PRId64 " kept\n", result.delivered, result.kept);
    return result.kept ? EXIT_FAILED : EXIT_DONE;
}

int command_dead_letters(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    const char *what = args->words[0];
    bool listing = strcmp(what, "list") == 0;
    int64_t only = 0;
    if (!listing && strcmp(what, "replay") != 0) {
        fprintf(stderr, "gatehouse dead-letters: %s: expected list or replay\n", what);
        return EXIT_USAGE;
    }
    if (args->id && (!parse_i64(str_from(args->id), &only) || only <= 0)) {
        fprintf(stderr, "gatehouse dead-letters: --id %s: expected a number from the list\n",
                args->id);
        return EXIT_USAGE;
    }
    if (settings_load_or_say(&settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    return listing ? list(settings, only) : replay(settings, only);
}
