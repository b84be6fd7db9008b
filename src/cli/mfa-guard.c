// SPDX-License-Identifier: Apache-2.0
// What the guard knows: one line for each that something speaks against, or all about one name,
// which may stand for several: a login in several orgs, and an entity.
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/columns.h"
#include "cli/mfa.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

static const char path[] = "sys/mfa/guard";

// ---- parts of lines

// "2026-11-23T10:00:00.000Z (in 42 s)"
static void add_instant(struct buf *out, const struct json *object, const char *key) {
    int64_t at_ms;
    mfa_add_text(out, object, key);
    if (!mfa_instant(object, key, &at_ms)) return;
    int64_t away_ms = at_ms - time_now_ms();
    buf_addz(out, away_ms > 0 ? " (in " : " (");
    mfa_add_span(out, away_ms > 0 ? away_ms : -away_ms);
    buf_addz(out, away_ms > 0 ? ")" : " ago)");
}

static bool is_refused(const struct json *verdict) {
    return json_type(json_get(verdict, "allowed")) == JSON_BOOL &&
           !json_bool(json_get(verdict, "allowed"));
}

// The rule's reason, and of a lock which.
static void add_reason(struct buf *out, const struct json *verdict) {
    mfa_add_text(out, verdict, "reason");
    if (!mfa_is_set(verdict, "detail")) return;
    buf_addz(out, ": ");
    mfa_add_text(out, verdict, "detail");
}

// ---- all about one

static void add_label(struct buf *out, const char *label) { buf_addf(out, "  %-16s", label); }

static void add_verdict(struct buf *out, const struct json *subject, const char *what,
                        const char *allowed) {
    const struct json *verdict = json_get(subject, what);
    if (!verdict) return;
    add_label(out, what);
    if (!is_refused(verdict)) {
        buf_addf(out, "%s\n", allowed);
        return;
    }
    buf_addz(out, "refused by the rule ");
    mfa_add_text(out, verdict, "rule");
    buf_addz(out, ": ");
    add_reason(out, verdict);
    buf_addc(out, '\n');
    add_label(out, "  until");
    if (mfa_is_set(verdict, "until")) add_instant(out, verdict, "until");
    else buf_addz(out, "an administrator clears it, or a right code comes");
    buf_addc(out, '\n');
    if (!mfa_is_set(verdict, "setting")) return;
    add_label(out, "  setting");
    mfa_add_text(out, verdict, "setting");
    buf_addc(out, '\n');
}

static int64_t number(const struct json *object, const char *key) {
    int64_t n = 0;
    return json_i64(json_get(object, key), &n) ? n : 0;
}

static void add_pushes(struct buf *out, const struct json *subject) {
    add_label(out, "pushes");
    buf_add_i64(out, number(subject, "pushes"));
    buf_addf(out, " in ");
    mfa_add_span(out, number(subject, "window") * 1000);
    buf_addf(out, ", at most %lld\n", (long long)number(subject, "max_pushes"));
}

static void add_lock(struct buf *out, const struct json *subject) {
    if (!mfa_is_set(subject, "locked_since")) return;
    add_label(out, "locked");
    mfa_add_text(out, subject, "lock_reason");
    buf_addz(out, ", since ");
    add_instant(out, subject, "locked_since");
    if (mfa_is_set(subject, "lock_event")) {
        buf_addz(out, ", Okta's event ");
        mfa_add_text(out, subject, "lock_event");
    }
    buf_addc(out, '\n');
}

// What is said only where there is something to say.
static const struct fact {
    const char *key, *label;
    enum { FACT_NUMBER, FACT_INSTANT, FACT_TEXT } kind;
    const char *behind;
} facts[] = {
    {"denials", "denials", FACT_NUMBER, " in a row"},
    {"wrong_codes", "wrong codes", FACT_NUMBER, " in a row"},
    {"out_challenge", "on the phone", FACT_TEXT, " may still be"},
    {"risk_high_since", "high risk", FACT_INSTANT, ""},
    {"refusals", "refused", FACT_NUMBER, " since the gate began"},
    {"last_refusal", "last refused", FACT_INSTANT, ""},
    {"last_refusal_rule", "by the rule", FACT_TEXT, ""},
    {"asked_as", "asked for as", FACT_TEXT, ""},
    {"cleared", "cleared", FACT_INSTANT, ""},
};

static void add_fact(struct buf *out, const struct fact *f, const struct json *subject) {
    bool told = f->kind == FACT_NUMBER ? number(subject, f->key) > 0 : mfa_is_set(subject, f->key);
    if (!told) return;
    add_label(out, f->label);
    if (f->kind == FACT_NUMBER) buf_add_i64(out, number(subject, f->key));
    if (f->kind == FACT_INSTANT) add_instant(out, subject, f->key);
    if (f->kind == FACT_TEXT) mfa_add_text(out, subject, f->key);
    buf_addf(out, "%s\n", f->behind);
}

static void add_subject(struct buf *out, const struct json *subject) {
    bool user = mfa_is_set(subject, "org");
    mfa_add_text(out, subject, "name");
    buf_addz(out, user ? ", Okta user " : ", entity ");
    mfa_add_text(out, subject, user ? "user_id" : "entity_id");
    if (user) buf_addz(out, " of ");
    mfa_add_text(out, subject, "org");
    buf_addc(out, '\n');
    add_verdict(out, subject, "push", "may go out");
    add_verdict(out, subject, "code", "may be tried");
    add_pushes(out, subject);
    add_lock(out, subject);
    for (size_t i = 0; i < LEN(facts); i++) add_fact(out, &facts[i], subject);
}

static int show_one(struct mfa_command *m, const struct json *data) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    struct json_iter it = json_iter(json_get(data, "subjects"));
    int e = EXIT_DONE;
    while (!e && json_next(&it)) {
        if (m->args->json) e = mfa_print_json(m, STR_NONE, it.value);
        else add_subject(&out, it.value);
    }
    return e ? e : mfa_print(m, &out);
}

static int say_unknown(const struct mfa_command *m, const char *user) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    columns_add_clean(&text, str_from(user));
    buf_addz(&text, ": the guard knows nobody of that name, so nothing speaks against pushes");
    const char *z = buf_z(&text);
    return mfa_failed(m, z ? z : error_text(text.error));
}

static int read_one(struct mfa_command *m, const char *user) {
    const struct mfa_request request = {
        .method = "GET", .path = path, .item = user, .capability = "read"};
    int e = mfa_ask(m, &request);
    if (e == MFA_E_NOTHING) return say_unknown(m, user);
    return e ? e : show_one(m, json_get(m->answer.body, "data"));
}

// The gate warns where there was nobody to clear.
static int clear(struct mfa_command *m, const char *user) {
    const struct mfa_request request = {
        .method = "DELETE", .path = path, .item = user, .capability = "delete"};
    int e = mfa_ask(m, &request);
    if (e == MFA_E_NOTHING) return say_unknown(m, user);
    if (e) return e;
    if (json_count(json_get(m->answer.body, "warnings"))) return EXIT_FAILED;
    if (!m->args->json) printf("cleared\n");
    return EXIT_DONE;
}

// ---- all whom something speaks against

static int add_row(struct mfa_command *m, struct str name, const struct json *info, void *ctx) {
    AUTO_FINI(buf) struct buf until = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf why = buf_make(TEXT_MAX_BYTES);
    struct buf *columns = ctx;
    if (m->args->json) return mfa_print_json(m, name, info);
    if (mfa_is_set(info, "until")) add_instant(&until, info, "until");
    add_reason(&why, info);
    columns_cell(columns, name);
    columns_cell(columns, json_str(json_get(info, "type")));
    columns_cell(columns, json_str(json_get(info, "org")));
    columns_cell(columns, json_str(json_get(info, "rule")));
    columns_cell(columns, buf_str(&until));
    columns_cell(columns, buf_str(&why));
    columns_end_row(columns);
    if (until.error || why.error) columns->error = until.error ? until.error : why.error;
    return EXIT_DONE;
}

static int list(struct mfa_command *m) {
    static const char *const heads[] = {"WHO", "IS", "ORG", "RULE", "UNTIL", "WHY"};
    AUTO_FINI(buf) struct buf columns = buf_make(TEXT_MAX_BYTES);
    struct mfa_listing l = {.path = path, .wants = is_refused, .show = add_row, .ctx = &columns};
    for (size_t i = 0; i < LEN(heads); i++) columns_cell(&columns, str_from(heads[i]));
    columns_end_row(&columns);
    int e = mfa_list(m, &l);
    if (e || m->args->json) return e;
    if (l.shown) e = mfa_print_columns(m, &columns);
    else printf("nothing speaks against pushes to anybody\n");
    mfa_print_left(l.left);
    return e;
}

int mfa_guard(struct mfa_command *m) {
    const struct args *a = m->args;
    bool clears = a->clear || a->word_count > 2;
    if (a->word_count > 2 && strcmp(a->words[2], "clear") != 0)
        return mfa_wrong(m, "behind USER, expected clear or nothing");
    if (a->word_count < 2) return clears ? mfa_wrong(m, "--clear: of whom?") : list(m);
    return clears ? clear(m, a->words[1]) : read_one(m, a->words[1]);
}
