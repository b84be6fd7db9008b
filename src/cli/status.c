// SPDX-License-Identifier: Apache-2.0
// What the state directory tells: for each pair of source and output where it stands, and the dead
// letters.
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "cli/commands.h"
#include "daemon/settings.h"
#include "store/store.h"
#include "json/write.h"

static void format_instant(int64_t ms, char ret[TIME_RFC3339_MAX]) {
    if (ms > 0) time_format_rfc3339(ms, ret);
    else memcpy(ret, "-", 2);
}

static int print_row(void *ctx, const struct store_pair *pair) {
    char published[TIME_RFC3339_MAX];
    char committed[TIME_RFC3339_MAX];
    size_t *rows = ctx;
    if ((*rows)++ == 0)
        printf("%-20s %-14s %12s %8s %6s  %-24s  %s\n", "SOURCE", "OUTPUT", "EVENTS", "PAGES",
               "DEAD", "NEWEST PUBLISHED", "LAST COMMIT");
    format_instant(pair->published_ms, published);
    format_instant(pair->committed_ms, committed);
    printf("%-20.*s %-14.*s %12" PRId64 " %8" PRId64 " %6" PRId64 "  %-24s  %s\n",
           STR_ARG(pair->source), STR_ARG(pair->output), pair->events, pair->pages,
           pair->dead_letters, published, committed);
    return 0;
}

static void add_instant(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    if (ms <= 0) return;
    time_format_rfc3339(ms, text);
    json_key(out, str_from(key));
    json_add_str(out, str_from(text));
}

static void add_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

static int print_json(void *ctx, const struct store_pair *pair) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    (void)ctx;
    json_open(&out, '{');
    json_key(&out, STR("source"));
    json_add_text(&out, pair->source);
    json_key(&out, STR("output"));
    json_add_text(&out, pair->output);
    add_number(&out, "events", pair->events);
    add_number(&out, "pages", pair->pages);
    add_number(&out, "dead_letters", pair->dead_letters);
    add_instant(&out, "newest_published", pair->published_ms);
    add_instant(&out, "last_commit", pair->committed_ms);
    json_key(&out, STR("cursor"));
    json_add_text(&out, pair->next);
    json_close(&out, '}');
    if (out.error) return out.error;
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    return 0;
}

static int print_table(struct store *store, struct fault *fault) {
    size_t rows = 0;
    int64_t dead = 0;
    int e = store_pairs(store, print_row, &rows, fault);
    if (!e) e = store_dead_count(store, &dead, fault);
    if (e) return e;
    if (rows == 0) printf("nothing has been collected yet\n");
    printf("dead letters: %" PRId64 "%s\n", dead, dead ? " (see gatehouse dead-letters list)" : "");
    return 0;
}

int command_status(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    AUTO(store) struct store *store = NULL;
    struct fault fault = {{0}};
    if (settings_load_or_say(&settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    int e = store_open(&store, settings->state, STORE_READ, &fault);
    if (!e)
        e = args->json ? store_pairs(store, print_json, NULL, &fault) : print_table(store, &fault);
    if (!e) return EXIT_DONE;
    fprintf(stderr, "gatehouse status: %s\n", fault.text[0] ? fault.text : error_text(e));
    return EXIT_FAILED;
}
