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

static int keep_output(void *ctx, const struct store_output *o) {
    struct seen *s = ctx;
    s->error = mem_grow(&s->outputs, &s->output_cap, s->output_count + 1, sizeof *s->outputs);
    if (s->error) return 1;
    s->outputs[s->output_count++] =
        (struct seen_output){s->texts.n, o->output.n, o->complaint.n, o->reason.n, *o};
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
    s->stands[s->stand_count++] = (struct seen_stand){s->texts.n, t->source.n, t->output.n, *t};
    buf_add_str(&s->texts, t->source);
    buf_add_str(&s->texts, t->output);
    s->error = s->texts.error;
    return s->error != 0;
}

int seen_load(struct seen *ret, struct store *store, int64_t now_ms, struct fault *fault) {
    *ret = (struct seen){.texts = buf_make(SIZE_MAX), .now_ms = now_ms};
    int e = store_outputs(store, keep_output, ret, fault);
    if (!e) e = ret->error;
    if (!e) e = store_stands(store, keep_stand, ret, fault);
    return e ? e : ret->error;
}

void seen_fini(struct seen *s) {
    buf_fini(&s->texts);
    free(s->outputs);
    free(s->stands);
}

static struct str name_of(const struct seen *s, const struct seen_output *o) {
    return text_at(s, o->texts_at, o->output_n);
}

static struct str complaint_of(const struct seen *s, const struct seen_output *o) {
    return text_at(s, o->texts_at + o->output_n, o->complaint_n);
}

static struct str reason_of(const struct seen *s, const struct seen_output *o) {
    return text_at(s, o->texts_at + o->output_n + o->complaint_n, o->reason_n);
}

static const struct seen_output *find_output(const struct seen *s, struct str output) {
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

static bool is_of(const struct seen *s, const struct seen_stand *c, struct str source,
                  struct str output) {
    return str_eq(source_of(s, c), source) && str_eq(output_of(s, c), output);
}

static const struct store_stand *find_stand(const struct seen *s, struct str source,
                                            struct str output) {
    for (size_t i = 0; i < s->stand_count; i++)
        if (is_of(s, &s->stands[i], source, output)) return &s->stands[i].t;
    return NULL;
}

void seen_note(struct seen *s, struct str source, struct str output) {
    for (size_t i = 0; i < s->stand_count; i++)
        if (is_of(s, &s->stands[i], source, output)) s->stands[i].shown = true;
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

void seen_add_lag(const struct seen *s, struct str source, struct str output, struct buf *out) {
    const struct store_stand *t = find_stand(s, source, output);
    if (!t) buf_addz(out, "-");
    else if (t->caught_up) buf_addz(out, "caught up");
    else add_span(out, t->lag_ms);
    if (t && !t->caught_up) buf_addz(out, " behind");
}

void seen_print_warning(const struct seen *s, struct str source, struct str output, FILE *to) {
    const struct store_stand *t = find_stand(s, source, output);
    int64_t left = t ? forgotten_in_ms(s, t) : -1;
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

static void describe(const struct seen *s, const struct seen_output *c, struct buf *out) {
    const struct store_output *o = &c->o;
    columns_add_clean(out, name_of(s, c));
    bool fails = c->complaint_n || o->stopped;
    buf_addz(out, !fails ? ": ok" : o->stopped ? ": stopped" : ": failing");
    if (fails && o->failing_since_ms > 0) {
        buf_addz(out, " since ");
        add_instant(out, o->failing_since_ms);
    }
    if (c->reason_n) {
        buf_addz(out, ": ");
        columns_add_clean(out, reason_of(s, c));
    }
    if (o->last_success_ms > 0) {
        buf_addz(out, ", last delivered at ");
        add_instant(out, o->last_success_ms);
    }
    if (o->retries) buf_addf(out, ", %lld retries", (long long)o->retries);
    if (o->filtered) buf_addf(out, ", %lld filtered", (long long)o->filtered);
    if (o->rejected) buf_addf(out, ", %lld rejected", (long long)o->rejected);
    buf_addz(out, " (");
    add_span(out, age_ms(s, o->at_ms));
    buf_addz(out, " ago)");
}

void seen_print_outputs(const struct seen *s, FILE *to) {
    for (size_t i = 0; i < s->output_count; i++) {
        AUTO_FINI(buf) struct buf line = buf_make(1 << 16);
        describe(s, &s->outputs[i], &line);
        if (!line.error) fprintf(to, "output %.*s\n", STR_ARG(buf_str(&line)));
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

static void tell_text(struct buf *out, const char *key, struct str value) {
    if (value.n == 0) return;
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void tell_output(struct buf *out, const struct seen *s, const struct seen_output *c) {
    const struct store_output *o = &c->o;
    tell_instant(out, "at", o->at_ms);
    json_key(out, STR("ok"));
    json_add_bool(out, c->complaint_n == 0 && !o->stopped);
    json_key(out, STR("stopped"));
    json_add_bool(out, o->stopped);
    tell_instant(out, "failing_since", o->failing_since_ms);
    tell_text(out, "complaint", complaint_of(s, c));
    tell_text(out, "reason", reason_of(s, c));
    tell_instant(out, "last_success", o->last_success_ms);
    tell_number(out, "deliveries", o->deliveries);
    tell_number(out, "retries", o->retries);
    tell_number(out, "filtered", o->filtered);
    tell_number(out, "rejected", o->rejected);
}

void seen_add_json(const struct seen *s, struct str source, struct str output, struct buf *out) {
    const struct store_stand *t = find_stand(s, source, output);
    const struct seen_output *o = find_output(s, output);
    if (t) {
        json_key(out, STR("caught_up"));
        json_add_bool(out, t->caught_up);
        tell_number(out, "lag_seconds", t->lag_ms / TIME_SECOND_MS);
        tell_instant(out, "seen", t->at_ms);
        if (t->forgotten_in_ms >= 0)
            tell_number(out, "forgotten_in_seconds", forgotten_in_ms(s, t) / TIME_SECOND_MS);
    }
    if (!o) return;
    json_key(out, STR("output_state"));
    json_open(out, '{');
    tell_output(out, s, o);
    json_close(out, '}');
}
