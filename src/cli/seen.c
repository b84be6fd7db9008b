// SPDX-License-Identifier: Apache-2.0
// Copied first: a walk through the store must not begin another.
#include "cli/seen.h"

#include <errno.h>

#include "base/time.h"
#include "cli/columns.h"
#include "json/write.h"

enum { WARN_BELOW_DAYS = 45 }; // half of what Okta keeps

// ---- copying

static struct str text_at(const struct seen *s, size_t at, size_t n) {
    return (struct str){s->texts.p + at, n};
}

static int keep_source(void *ctx, const struct store_source *r) {
    struct seen *s = ctx;
    s->error = mem_grow(&s->sources, &s->source_cap, s->source_count + 1, sizeof *s->sources);
    if (s->error) return 1;
    s->sources[s->source_count++] =
        (struct seen_source){s->texts.n, r->source.n, r->complaint.n, r->reason.n, *r, false};
    buf_add_str(&s->texts, r->source);
    buf_add_str(&s->texts, r->complaint);
    buf_add_str(&s->texts, r->reason);
    s->error = s->texts.error;
    return s->error != 0;
}

static int keep_output(void *ctx, const struct store_output *o) {
    struct seen *s = ctx;
    s->error = mem_grow(&s->outputs, &s->output_cap, s->output_count + 1, sizeof *s->outputs);
    if (s->error) return 1;
    s->outputs[s->output_count++] =
        (struct seen_output){s->texts.n, o->output.n, o->complaint.n, o->reason.n, *o, false};
    buf_add_str(&s->texts, o->output);
    buf_add_str(&s->texts, o->complaint);
    buf_add_str(&s->texts, o->reason);
    s->error = s->texts.error;
    return s->error != 0;
}

static int keep_stand(void *ctx, const struct store_stand *t) {
    struct seen *s = ctx;
    s->error = mem_grow(&s->stands, &s->stand_cap, s->stand_count + 1, sizeof *s->stands);
    if (s->error) return 1;
    s->stands[s->stand_count++] =
        (struct seen_stand){s->texts.n, t->source.n, t->output.n, *t, false, false};
    buf_add_str(&s->texts, t->source);
    buf_add_str(&s->texts, t->output);
    s->error = s->texts.error;
    return s->error != 0;
}

int seen_load(struct seen *ret, struct store *store, int64_t now_ms, struct fault *fault) {
    *ret = (struct seen){.texts = buf_make(SIZE_MAX), .now_ms = now_ms};
    int e = store_sources(store, keep_source, ret, fault);
    if (!e) e = ret->error;
    if (!e) e = store_outputs(store, keep_output, ret, fault);
    if (!e) e = ret->error;
    if (!e) e = store_stands(store, keep_stand, ret, fault);
    return e ? e : ret->error;
}

void seen_fini(struct seen *s) {
    buf_fini(&s->texts);
    free(s->sources);
    free(s->outputs);
    free(s->stands);
}

static struct seen_source *find_source(const struct seen *s, struct str source) {
    for (size_t i = 0; i < s->source_count; i++) {
        struct seen_source *c = &s->sources[i];
        if (str_eq(text_at(s, c->texts_at, c->source_n), source)) return c;
    }
    return NULL;
}

static struct str name_of(const struct seen *s, const struct seen_output *o) {
    return text_at(s, o->texts_at, o->output_n);
}

static struct seen_output *find_output(const struct seen *s, struct str output) {
    for (size_t i = 0; i < s->output_count; i++)
        if (str_eq(name_of(s, &s->outputs[i]), output)) return &s->outputs[i];
    return NULL;
}

static struct str source_of(const struct seen *s, const struct seen_stand *c) {
    return text_at(s, c->texts_at, c->source_n);
}

static struct str output_of(const struct seen *s, const struct seen_stand *c) {
    return text_at(s, c->texts_at + c->source_n, c->output_n);
}

static struct seen_stand *find_stand(const struct seen *s, struct str source, struct str output) {
    for (size_t i = 0; i < s->stand_count; i++) {
        struct seen_stand *c = &s->stands[i];
        if (str_eq(source_of(s, c), source) && str_eq(output_of(s, c), output)) return c;
    }
    return NULL;
}

int seen_configured_source(struct seen *s, struct str source) {
    const struct store_source fresh = {.source = source};
    if (!find_source(s, source) && keep_source(s, &fresh)) return s->error;
    find_source(s, source)->configured = true;
    return 0;
}

bool seen_is_configured(const struct seen *s, struct str source) {
    const struct seen_source *c = find_source(s, source);
    return c && c->configured;
}

int seen_configured(struct seen *s, struct str source, struct str output) {
    const struct store_stand stand = {.source = source, .output = output, .forgotten_in_ms = -1};
    const struct store_output fresh = {.output = output};
    if (!find_stand(s, source, output) && keep_stand(s, &stand)) return s->error;
    if (!find_output(s, output) && keep_output(s, &fresh)) return s->error;
    find_stand(s, source, output)->configured = true;
    find_output(s, output)->configured = true;
    return 0;
}

void seen_note(struct seen *s, struct str source, struct str output) {
    struct seen_stand *c = find_stand(s, source, output);
    if (c) c->shown = true;
}

bool seen_next(const struct seen *s, size_t *at, struct store_pair *ret) {
    while (*at < s->stand_count && s->stands[*at].shown) (*at)++;
    if (*at == s->stand_count) return false;
    const struct seen_stand *c = &s->stands[(*at)++];
    *ret = (struct store_pair){.source = source_of(s, c), .output = output_of(s, c)};
    return true;
}

// ---- for people

static void add_span(struct buf *out, int64_t ms) {
    if (ms < TIME_MINUTE_MS) buf_addf(out, "%lld s", (long long)ms / TIME_SECOND_MS);
    else if (ms < 2 * TIME_HOUR_MS) buf_addf(out, "%lld min", (long long)ms / TIME_MINUTE_MS);
    else if (ms < 2 * TIME_DAY_MS) buf_addf(out, "%lld h", (long long)ms / TIME_HOUR_MS);
    else buf_addf(out, "%lld days", (long long)ms / TIME_DAY_MS);
}

static int64_t age_ms(const struct seen *s, int64_t at_ms) {
    return s->now_ms > at_ms ? s->now_ms - at_ms : 0;
}

// -1: nothing will be. What was seen a while ago has come nearer since.
static int64_t forgotten_in_ms(const struct seen *s, const struct store_stand *t) {
    if (t->forgotten_in_ms < 0) return -1;
    int64_t left = t->forgotten_in_ms - age_ms(s, t->at_ms);
    return left > 0 ? left : 0;
}

void seen_add_lag(const struct seen *s, const struct store_pair *pair, struct buf *out) {
    const struct seen_stand *c = find_stand(s, pair->source, pair->output);
    if (!c || !c->configured) buf_addz(out, "not in the settings");
    else if (c->t.at_ms == 0) buf_addz(out, pair->events > 0 ? "-" : "nothing yet");
    else if (c->t.caught_up) buf_addz(out, "caught up");
    else if (c->t.lag_ms < 0) buf_addz(out, pair->events > 0 ? "history only" : "nothing yet");
    else if (c->t.lag_ms == 0) buf_addz(out, "caught up but for the history");
    else {
        add_span(out, c->t.lag_ms);
        buf_addz(out, " behind");
    }
}

void seen_print_warning(const struct seen *s, struct str source, struct str output, FILE *to) {
    const struct seen_stand *c = find_stand(s, source, output);
    int64_t left = c && c->configured ? forgotten_in_ms(s, &c->t) : -1;
    if (left < 0 || left / TIME_DAY_MS >= WARN_BELOW_DAYS) return;
    AUTO_FINI(buf) struct buf line = buf_make(1000);
    buf_addz(&line, left ? "forgets what it has not had in " : "forgets what it has not had now");
    if (left) add_span(&line, left);
    fprintf(to, "  Okta %.*s\n", STR_ARG(buf_str(&line)));
}

static void add_instant(struct buf *out, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    buf_addz(out, text);
}

// How a source or an output is.
struct condition {
    struct str name, complaint, reason;
    int64_t at_ms, failing_since_ms;
    bool stopped;
};

static bool fails(const struct condition *c) { return c->complaint.n || c->stopped; }

static struct condition of_source(const struct seen *s, const struct seen_source *c) {
    size_t complaint_at = c->texts_at + c->source_n;
    return (struct condition){.name = text_at(s, c->texts_at, c->source_n),
                              .complaint = text_at(s, complaint_at, c->complaint_n),
                              .reason = text_at(s, complaint_at + c->complaint_n, c->reason_n),
                              .at_ms = c->r.at_ms,
                              .failing_since_ms = c->r.failing_since_ms,
                              .stopped = c->r.stopped};
}

static struct condition of_output(const struct seen *s, const struct seen_output *c) {
    size_t complaint_at = c->texts_at + c->output_n;
    return (struct condition){.name = name_of(s, c),
                              .complaint = text_at(s, complaint_at, c->complaint_n),
                              .reason = text_at(s, complaint_at + c->complaint_n, c->reason_n),
                              .at_ms = c->o.at_ms,
                              .failing_since_ms = c->o.failing_since_ms,
                              .stopped = c->o.stopped};
}

static void describe(const struct condition *c, struct buf *out) {
    columns_add_clean(out, c->name);
    buf_addz(out, c->at_ms == 0 ? ": nothing is known of it yet"
                  : !fails(c)   ? ": ok"
                  : c->stopped  ? ": stopped"
                                : ": failing");
    if (fails(c) && c->failing_since_ms > 0) {
        buf_addz(out, " since ");
        add_instant(out, c->failing_since_ms);
    }
    if (!c->reason.n) return;
    buf_addz(out, ": ");
    columns_add_clean(out, c->reason);
}

static void describe_deliveries(const struct store_output *o, struct buf *out) {
    if (o->last_success_ms > 0) {
        buf_addz(out, ", last delivered at ");
        add_instant(out, o->last_success_ms);
    }
    if (o->retries) buf_addf(out, ", %lld retries", (long long)o->retries);
    if (o->filtered) buf_addf(out, ", %lld filtered", (long long)o->filtered);
    if (o->rejected) buf_addf(out, ", %lld rejected", (long long)o->rejected);
}

static void end_line(const struct seen *s, struct buf *line, int64_t at_ms, FILE *to) {
    if (at_ms > 0) {
        buf_addz(line, " (");
        add_span(line, age_ms(s, at_ms));
        buf_addz(line, " ago)");
    }
    if (!line->error) fprintf(to, "%.*s\n", STR_ARG(buf_str(line)));
}

enum { LINE_MAX_BYTES = 1 << 16 };

void seen_print(const struct seen *s, FILE *to) {
    for (size_t i = 0; i < s->source_count; i++) {
        AUTO_FINI(buf) struct buf line = buf_make(LINE_MAX_BYTES);
        const struct condition c = of_source(s, &s->sources[i]);
        if (!s->sources[i].configured) continue;
        buf_addz(&line, "source ");
        describe(&c, &line);
        end_line(s, &line, c.at_ms, to);
    }
    for (size_t i = 0; i < s->output_count; i++) {
        AUTO_FINI(buf) struct buf line = buf_make(LINE_MAX_BYTES);
        const struct condition c = of_output(s, &s->outputs[i]);
        if (!s->outputs[i].configured) continue;
        buf_addz(&line, "output ");
        describe(&c, &line);
        describe_deliveries(&s->outputs[i].o, &line);
        end_line(s, &line, c.at_ms, to);
    }
}

// ---- JSON

static void tell_instant(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    if (ms <= 0) return;
    time_format_rfc3339(ms, text);
    json_key(out, str_from(key));
    json_add_str(out, str_from(text));
}

static void tell_number(struct buf *out, const char *key, int64_t value) {
    json_key(out, str_from(key));
    json_add_i64(out, value);
}

static void tell_flag(struct buf *out, const char *key, bool value) {
    json_key(out, str_from(key));
    json_add_bool(out, value);
}

static void tell_text(struct buf *out, const char *key, struct str value) {
    if (value.n == 0) return;
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void tell_condition(struct buf *out, const struct condition *c) {
    tell_instant(out, "at", c->at_ms);
    tell_flag(out, "ok", !fails(c));
    tell_flag(out, "stopped", c->stopped);
    tell_instant(out, "failing_since", c->failing_since_ms);
    tell_text(out, "complaint", c->complaint);
    tell_text(out, "reason", c->reason);
}

static void tell_source(struct buf *out, const struct seen *s, const struct seen_source *r) {
    const struct condition c = of_source(s, r);
    json_key(out, STR("source_state"));
    json_open(out, '{');
    tell_condition(out, &c);
    json_close(out, '}');
}

static void tell_output(struct buf *out, const struct seen *s, const struct seen_output *o) {
    const struct condition c = of_output(s, o);
    json_key(out, STR("output_state"));
    json_open(out, '{');
    tell_condition(out, &c);
    tell_instant(out, "last_success", o->o.last_success_ms);
    tell_number(out, "deliveries", o->o.deliveries);
    tell_number(out, "retries", o->o.retries);
    tell_number(out, "filtered", o->o.filtered);
    tell_number(out, "rejected", o->o.rejected);
    json_close(out, '}');
}

static void tell_stand(struct buf *out, const struct seen *s, const struct store_stand *t) {
    tell_flag(out, "caught_up", t->caught_up);
    if (t->lag_ms >= 0) tell_number(out, "lag_seconds", t->lag_ms / TIME_SECOND_MS);
    tell_instant(out, "seen", t->at_ms);
    if (t->forgotten_in_ms >= 0)
        tell_number(out, "forgotten_in_seconds", forgotten_in_ms(s, t) / TIME_SECOND_MS);
}

void seen_add_json(const struct seen *s, struct str source, struct str output, struct buf *out) {
    const struct seen_stand *c = find_stand(s, source, output);
    const struct seen_source *r = find_source(s, source);
    const struct seen_output *o = find_output(s, output);
    tell_flag(out, "configured", c && c->configured);
    if (c && c->t.at_ms > 0) tell_stand(out, s, &c->t);
    if (r && r->r.at_ms > 0) tell_source(out, s, r);
    if (o && o->o.at_ms > 0) tell_output(out, s, o);
}
