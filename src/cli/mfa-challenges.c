// SPDX-License-Identifier: Apache-2.0
// The audit trail of challenges: each with what Okta itself logged of it below.
#include <stdio.h>

#include "cli/columns.h"
#include "cli/mfa.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

static const char path[] = "sys/mfa/challenge";

// ---- what Okta logged

static void add_entry(struct buf *out, const struct json *entry) {
    buf_addz(out, "Okta ");
    mfa_add_text(out, entry, "published");
    buf_addc(out, ' ');
    mfa_add_text(out, entry, "type");
    buf_addz(out, " uuid ");
    mfa_add_text(out, entry, "uuid");
    if (!mfa_is_set(entry, "transaction_id")) return;
    buf_addz(out, " transaction ");
    mfa_add_text(out, entry, "transaction_id");
}

// Where there is none, why.
static const char *excuse(const struct json *challenge) {
    if (json_bool(json_get(challenge, "unlogged"))) return "Okta logged nothing of it";
    return mfa_is_set(challenge, "sent") ? "nothing of Okta's log has come yet"
                                         : "Okta was asked for nothing";
}

// ---- the table

// Who asked for what; how long from the beginning to the decision.
static const char *name_key(const struct json *challenge) {
    return mfa_is_set(challenge, "login") ? "login" : "entity_name";
}

static void add_request(struct buf *out, const struct json *challenge) {
    mfa_add_text(out, challenge, "operation");
    buf_addc(out, ' ');
    mfa_add_text(out, challenge, "path");
}

static void add_duration(struct buf *out, const struct json *challenge) {
    int64_t began_ms, decided_ms;
    if (mfa_instant(challenge, "began", &began_ms) &&
        mfa_instant(challenge, "decided", &decided_ms))
        mfa_add_span(out, decided_ms - began_ms);
}

static void add_cells(struct buf *columns, struct str id, const struct json *challenge) {
    AUTO_FINI(buf) struct buf request = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf took = buf_make(TEXT_MAX_BYTES);
    add_request(&request, challenge);
    add_duration(&took, challenge);
    columns_cell(columns, json_str(json_get(challenge, "began")));
    columns_cell(columns, id);
    columns_cell(columns, json_str(json_get(challenge, name_key(challenge))));
    columns_cell(columns, json_str(json_get(challenge, "method")));
    columns_cell(columns, buf_str(&request));
    columns_cell(columns, json_str(json_get(challenge, "outcome")));
    columns_cell(columns, buf_str(&took));
    columns_cell(columns, json_str(json_get(challenge, "rule")));
    columns_cell(columns, json_str(json_get(challenge, "explanation")));
    columns_end_row(columns);
    if (request.error || took.error) columns->error = request.error ? request.error : took.error;
}

static int add_rows(struct mfa_command *m, struct str key, const struct json *challenge,
                    void *ctx) {
    struct buf *columns = ctx;
    const struct json *entries = json_get(challenge, "okta_events");
    struct json_iter it = json_iter(entries);
    if (m->args->json) return mfa_print_json(m, STR_NONE, challenge);
    add_cells(columns, key, challenge);
    while (json_next(&it)) {
        AUTO_FINI(buf) struct buf note = buf_make(TEXT_MAX_BYTES);
        add_entry(&note, it.value);
        columns_note(columns, buf_str(&note));
        if (note.error) columns->error = note.error;
    }
    if (json_count(entries) == 0) columns_note(columns, str_from(excuse(challenge)));
    return EXIT_DONE;
}

static int list(struct mfa_command *m) {
    static const char *const heads[] = {"WHEN",    "CHALLENGE", "WHO",  "METHOD", "REQUEST",
                                        "OUTCOME", "TOOK",      "RULE", "WHY"};
    AUTO_FINI(buf) struct buf columns = buf_make(TEXT_MAX_BYTES);
    struct mfa_listing l = {.path = path, .show = add_rows, .ctx = &columns};
    for (size_t i = 0; i < LEN(heads); i++) columns_cell(&columns, str_from(heads[i]));
    columns_end_row(&columns);
    int e = mfa_list(m, &l);
    if (e || m->args->json) return e;
    if (l.shown) e = mfa_print_columns(m, &columns);
    else printf("no challenge in the last day\n");
    mfa_print_left(l.left);
    return e;
}

// ---- one

static const struct {
    const char *key, *label;
} lines[] = {
    {"id", "challenge"},
    {"outcome", "outcome"},
    {"explanation", "why"},
    {"rule", "the guard's rule"},
    {"login", "login"},
    {"user_id", "Okta user"},
    {"org", "org"},
    {"entity_name", "entity"},
    {"entity_id", "entity's id"},
    {"method", "method"},
    {"method_id", "method's id"},
    {"kind", "by"},
    {"factor_name", "device"},
    {"factor_provider", "factor of"},
    {"factor_id", "factor's id"},
    {"operation", "operation"},
    {"path", "path"},
    {"request_id", "request's id"},
    {"remote_address", "asked from"},
    {"user_agent", "asked with"},
    {"began", "began"},
    {"sent", "sent"},
    {"decided", "decided"},
    {"transaction", "transaction"},
    {"requester", "we are, to Okta"},
};

static void add_line(struct buf *out, const char *label, const struct json *challenge,
                     const char *key) {
    if (!mfa_is_set(challenge, key)) return;
    buf_addf(out, "%-18s", label);
    mfa_add_text(out, challenge, key);
    buf_addc(out, '\n');
}

static int show_one(struct mfa_command *m, const struct json *challenge) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    const struct json *entries = json_get(challenge, "okta_events");
    struct json_iter it = json_iter(entries);
    for (size_t i = 0; i < LEN(lines); i++) add_line(&out, lines[i].label, challenge, lines[i].key);
    if (json_bool(json_get(challenge, "number_matching")))
        buf_addf(&out, "%-18s%s\n", "number", "had to be matched");
    buf_addf(&out, "%-18s", "took");
    add_duration(&out, challenge);
    buf_addc(&out, '\n');
    while (json_next(&it)) {
        add_entry(&out, it.value);
        buf_addc(&out, '\n');
    }
    if (json_count(entries) == 0) buf_addf(&out, "%s\n", excuse(challenge));
    return mfa_print(m, &out);
}

static int read_one(struct mfa_command *m, const char *id) {
    const struct mfa_request request = {
        .method = "GET", .path = path, .item = id, .capability = "read"};
    int e = mfa_ask(m, &request);
    if (e == MFA_E_NOTHING)
        return mfa_failed(m, "there is no such challenge, or it is older than a day");
    if (e) return e;
    const struct json *challenge = json_get(m->answer.body, "data");
    return m->args->json ? mfa_print_json(m, STR_NONE, challenge) : show_one(m, challenge);
}

int mfa_challenges(struct mfa_command *m) {
    return m->args->word_count > 1 ? read_one(m, m->args->words[1]) : list(m);
}
