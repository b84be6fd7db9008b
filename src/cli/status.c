// SPDX-License-Identifier: Apache-2.0
// What the state directory tells: for each pair of source and output where it stands, its history,
// the dead letters, and how the process that works on it last saw its sources, outputs and rate
// budgets.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/seen.h"
#include "daemon/settings.h"
#include "store/history.h"
#include "store/store.h"
#include "json/write.h"

enum { ROW_MAX_BYTES = 1 << 20 };

// The windows of all pairs, copied: a walk through the store must not begin another.
struct view {
    struct store *store;
    struct buf names; // source and output of each window, one after the other
    struct window_copy {
        size_t names_at, source_n, output_n;
        struct store_window w; // its texts are not to be used
    } * windows;
    size_t n, cap;
    struct buf budgets; // JSON objects, one a line
    struct budget_copy {
        size_t names_at, source_n;
        size_t at, bytes; // in budgets
    } * budget;
    size_t budget_n, budget_cap;
    struct seen seen;
    int (*print)(struct view *v, const struct store_pair *pair);
    size_t rows; // printed
};

static void format_instant(int64_t ms, char ret[TIME_RFC3339_MAX]) {
    if (ms > 0) time_format_rfc3339(ms, ret);
    else memcpy(ret, "-", 2);
}

static int keep_window(void *ctx, const struct store_window *w) {
    struct view *v = ctx;
    int e = mem_grow(&v->windows, &v->cap, v->n + 1, sizeof *v->windows);
    if (e) return e;
    v->windows[v->n++] = (struct window_copy){v->names.n, w->source.n, w->output.n, *w};
    buf_add_str(&v->names, w->source);
    buf_add_str(&v->names, w->output);
    return v->names.error;
}

static bool is_of(const struct view *v, const struct window_copy *c, const struct store_pair *p) {
    const char *at = v->names.p + c->names_at;
    return str_eq((struct str){at, c->source_n}, p->source) &&
           str_eq((struct str){at + c->source_n, c->output_n}, p->output);
}

// ---- history ----

struct history {
    size_t done, left;
    int64_t done_ms, all_ms; // of time
    int64_t since_ms;        // of the oldest
    int64_t covered_ms;      // what is delivered reaches back without a gap to here; 0: no polling
    int64_t events;
};

static void count_window(struct history *h, const struct store_window *w) {
    h->done += w->done;
    h->left += !w->done;
    h->done_ms += w->position_ms - w->since_ms;
    h->all_ms += w->until_ms - w->since_ms;
    h->events += w->events;
    if (h->since_ms == 0 || w->since_ms < h->since_ms) h->since_ms = w->since_ms;
}

// Windows come oldest first, so that the way back is from the end.
static struct history look_at(const struct view *v, const struct store_pair *pair) {
    struct history h = {.covered_ms = pair->start_ms};
    for (size_t i = v->n; i-- > 0;) {
        const struct store_window *w = &v->windows[i].w;
        if (!is_of(v, &v->windows[i], pair)) continue;
        count_window(&h, w);
        bool joins = w->done && h.covered_ms && w->until_ms >= h.covered_ms;
        if (joins && w->since_ms < h.covered_ms) h.covered_ms = w->since_ms;
    }
    return h;
}

static void print_history(const struct view *v, const struct store_pair *pair) {
    struct history h = look_at(v, pair);
    char since[TIME_RFC3339_MAX];
    char covered[TIME_RFC3339_MAX];
    if (h.done + h.left == 0) return;
    format_instant(h.since_ms, since);
    format_instant(h.covered_ms, covered);
    double share = h.all_ms > 0 ? (double)h.done_ms / (double)h.all_ms : 1;
    printf("  history from %s: ", since);
    if (h.left)
        printf("%.1f%% of the time done, %zu window%s left", share * 100, h.left,
               h.left == 1 ? "" : "s");
    else printf("done");
    printf(", %" PRId64 " events", h.events);
    if (h.covered_ms) printf("; whole from %s on", covered);
    printf("\n");
}

static int print_pair(void *ctx, const struct store_pair *pair) {
    struct view *v = ctx;
    seen_note(&v->seen, pair->source, pair->output);
    return v->print(v, pair);
}

// Those on record, then those that have not come so far.
static int print_pairs(struct view *v, struct fault *fault) {
    struct store_pair pair;
    int e = store_pairs(v->store, print_pair, v, fault);
    for (size_t at = 0; !e && seen_next(&v->seen, &at, &pair);) e = v->print(v, &pair);
    return e;
}

// ---- the table ----

static int print_row(struct view *v, const struct store_pair *pair) {
    char published[TIME_RFC3339_MAX];
    char committed[TIME_RFC3339_MAX];
    AUTO_FINI(buf) struct buf lag = buf_make(100);
    if (v->rows++ == 0)
        printf("%-20s %-14s %12s %8s %6s  %-24s  %-24s  %s\n", "SOURCE", "OUTPUT", "EVENTS",
               "PAGES", "DEAD", "NEWEST PUBLISHED", "LAST COMMIT", "LAG");
    format_instant(pair->published_ms, published);
    format_instant(pair->committed_ms, committed);
    seen_add_lag(&v->seen, pair, &lag);
    printf("%-20.*s %-14.*s %12" PRId64 " %8" PRId64 " %6" PRId64 "  %-24s  %-24s  %.*s\n",
           STR_ARG(pair->source), STR_ARG(pair->output), pair->events, pair->pages,
           pair->dead_letters, published, committed, STR_ARG(buf_str(&lag)));
    seen_print_warning(&v->seen, pair->source, pair->output, stdout);
    print_history(v, pair);
    return 0;
}

static int print_budget(void *ctx, const struct store_budget *b) {
    const struct view *v = ctx;
    int64_t age_s = (time_now_ms() - b->at_ms) / 1000;
    if (!seen_is_configured(&v->seen, b->source)) return 0;
    printf("rate limit of %.*s, %.*s: %" PRId64 " of %" PRId64 " requests used", STR_ARG(b->source),
           STR_ARG(b->bucket), b->used, b->allowed);
    printf(", early limit %.*s", STR_ARG(b->early_limit));
    if (b->concurrency) printf(", %" PRId64 " at once", b->concurrency);
    if (b->refused_ms) {
        char refused[TIME_RFC3339_MAX];
        format_instant(b->refused_ms, refused);
        printf(", last 429 at %s", refused);
    }
    printf(" (%" PRId64 " s ago)\n", age_s > 0 ? age_s : 0);
    return 0;
}

static int print_table(struct view *v, struct fault *fault) {
    int64_t dead = 0;
    int e = print_pairs(v, fault);
    if (!e) e = store_dead_count(v->store, &dead, fault);
    if (e) return e;
    if (v->rows == 0) printf("the settings have nothing that is collected\n");
    seen_print(&v->seen, stdout);
    printf("dead letters: %" PRId64 "%s\n", dead, dead ? " (see gatehouse dead-letters list)" : "");
    return store_budgets(v->store, print_budget, v, fault);
}

// ---- JSON ----

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

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    if (value.p) json_add_text(out, value);
    else json_add_null(out);
}

static void add_windows(struct buf *out, const struct view *v, const struct store_pair *pair,
                        bool done) {
    json_key(out, str_from(done ? "done" : "left"));
    json_open(out, '[');
    for (size_t i = 0; i < v->n; i++) {
        const struct store_window *w = &v->windows[i].w;
        if (w->done != done || !is_of(v, &v->windows[i], pair)) continue;
        json_open(out, '{');
        add_instant(out, "since", w->since_ms);
        add_instant(out, "until", w->until_ms);
        if (!done) add_instant(out, "position", w->position_ms);
        add_number(out, "events", w->events);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void write_budget(struct buf *out, const struct store_budget *b) {
    double early;
    json_open(out, '{');
    add_text(out, "bucket", b->bucket);
    add_instant(out, "at", b->at_ms);
    add_number(out, "used", b->used);
    add_number(out, "limit", b->allowed);
    add_instant(out, "reset", b->reset_ms);
    json_key(out, STR("early_limit"));
    if (parse_double(b->early_limit, &early)) json_add_raw(out, b->early_limit);
    else json_add_null(out);
    add_number(out, "concurrency", b->concurrency);
    add_instant(out, "last_429", b->refused_ms);
    json_close(out, '}');
}

static int keep_budget(void *ctx, const struct store_budget *b) {
    struct view *v = ctx;
    int e = mem_grow(&v->budget, &v->budget_cap, v->budget_n + 1, sizeof *v->budget);
    if (e) return e;
    struct budget_copy *copy = &v->budget[v->budget_n++];
    *copy = (struct budget_copy){v->names.n, b->source.n, v->budgets.n, 0};
    buf_add_str(&v->names, b->source);
    write_budget(&v->budgets, b);
    copy->bytes = v->budgets.n - copy->at;
    buf_addc(&v->budgets, '\n');
    return v->names.error ? v->names.error : v->budgets.error;
}

static void add_budgets(struct buf *out, const struct view *v, const struct store_pair *pair) {
    json_key(out, STR("rate_limits"));
    json_open(out, '[');
    for (size_t i = 0; i < v->budget_n; i++) {
        const struct budget_copy *copy = &v->budget[i];
        struct str source = {v->names.p + copy->names_at, copy->source_n};
        if (!str_eq(source, pair->source)) continue;
        json_add_raw(out, (struct str){v->budgets.p + copy->at, copy->bytes});
    }
    json_close(out, ']');
}

static void add_history(struct buf *out, const struct view *v, const struct store_pair *pair) {
    struct history h = look_at(v, pair);
    json_key(out, STR("history"));
    json_open(out, '{');
    add_instant(out, "polled_from", pair->start_ms);
    add_instant(out, "whole_from", h.covered_ms);
    add_number(out, "windows_left", (int64_t)h.left);
    add_windows(out, v, pair, true);
    add_windows(out, v, pair, false);
    json_close(out, '}');
}

static int print_json(struct view *v, const struct store_pair *pair) {
    AUTO_FINI(buf) struct buf out = buf_make(ROW_MAX_BYTES);
    json_open(&out, '{');
    add_text(&out, "source", pair->source);
    add_text(&out, "output", pair->output);
    add_number(&out, "events", pair->events);
    add_number(&out, "pages", pair->pages);
    add_number(&out, "dead_letters", pair->dead_letters);
    add_instant(&out, "newest_published", pair->published_ms);
    add_instant(&out, "last_commit", pair->committed_ms);
    add_text(&out, "cursor", pair->next);
    seen_add_json(&v->seen, pair->source, pair->output, &out);
    add_history(&out, v, pair);
    add_budgets(&out, v, pair);
    json_close(&out, '}');
    if (out.error) return out.error;
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    return 0;
}

// The sources and pairs of the settings are told of before anything was collected, too.
static int expect_pairs(struct seen *seen, const struct settings *settings) {
    int e = 0;
    for (size_t i = 0; !e && i < settings->source_count; i++)
        e = seen_configured_source(seen, str_from(settings->sources[i].name));
    for (size_t k = 0; !e && k < settings->output_count; k++) {
        const struct settings_output *o = &settings->outputs[k];
        for (size_t i = 0; !e && i < settings->source_count; i++)
            if (settings_source_feeds(&settings->sources[i], o))
                e = seen_configured(seen, str_from(settings->sources[i].name), str_from(o->name));
        if (!e && settings->gate.audit && settings_gate_feeds(&settings->gate, o))
            e = seen_configured(seen, STR(SETTINGS_GATE_NAME), str_from(o->name));
    }
    return e;
}

static int show(const struct settings *settings, bool json, struct fault *fault) {
    AUTO(store) struct store *store = NULL;
    struct view v = {.names = buf_make(SIZE_MAX), .budgets = buf_make(SIZE_MAX)};
    int e = store_open(&store, settings->state, STORE_READ, fault);
    v.store = store;
    v.print = json ? print_json : print_row;
    if (!e) e = store_windows(store, keep_window, &v, fault);
    if (!e) e = store_budgets(store, keep_budget, &v, fault);
    if (!e) e = v.names.error ? v.names.error : v.budgets.error;
    if (!e) e = seen_load(&v.seen, store, time_now_ms(), fault);
    if (!e) e = expect_pairs(&v.seen, settings);
    if (!e) e = json ? print_pairs(&v, fault) : print_table(&v, fault);
    seen_fini(&v.seen);
    free(v.windows);
    free(v.budget);
    buf_fini(&v.names);
    buf_fini(&v.budgets);
    return e;
}

int command_status(const struct args *args) {
    AUTO(settings) struct settings *settings = NULL;
    struct fault fault = {{0}};
    if (settings_load_or_say(&settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    int e = show(settings, args->json, &fault);
    if (!e) return EXIT_DONE;
    fprintf(stderr, "gatehouse status: %s\n", fault.text[0] ? fault.text : error_text(e));
    return EXIT_FAILED;
}
