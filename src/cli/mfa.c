// SPDX-License-Identifier: Apache-2.0
// Administrators ask the gate as everybody does: what they may see is for policies to say, and what
// they did stands in the audit trail.
#include "cli/mfa.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/time.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "http/url.h"
#include "json/write.h"

enum {
    TIMEOUT_MS = 60000,
    LINE_MAX_BYTES = 64 << 20,
    TEXT_MAX_BYTES = 64 << 10,
    LIMIT = 20,
    LIMIT_MAX = 10000,
};

// ---- for the parts

static int say(const struct mfa_command *m, const char *what, int status) {
    fprintf(stderr, "gatehouse %s: %s\n", m->name, what);
    return status;
}

int mfa_failed(const struct mfa_command *m, const char *what) { return say(m, what, EXIT_FAILED); }
int mfa_wrong(const struct mfa_command *m, const char *what) { return say(m, what, EXIT_USAGE); }

static bool is_permission_denied(const struct gate_answer *a) {
    return a->status == 403 && str_find(a->text, STR("permission denied")) < a->text.n;
}

static int refused(const struct mfa_command *m, const struct mfa_request *r) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    gate_answer_explain(&m->answer, &text);
    if (is_permission_denied(&m->answer))
        buf_addf(&text,
                 "\nneeded: a token with a policy that says\n"
                 "    path \"%s/*\" { capabilities = [\"%s\"] }\n"
                 "and where a policy demands MFA for it, that it is passed",
                 r->path, r->capability);
    const char *z = buf_z(&text);
    return mfa_failed(m, z ? z : "no memory");
}

// 404 without a word: as Vault says it of what is not there.
static bool is_nothing(const struct gate_answer *a) {
    return a->status == 404 && a->body && json_count(json_get(a->body, "errors")) == 0;
}

static void say_warnings(const struct mfa_command *m) {
    struct json_iter it = json_iter(json_get(m->answer.body, "warnings"));
    while (json_next(&it)) {
        AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
        columns_add_clean(&text, json_str(it.value));
        fprintf(stderr, "gatehouse %s: %.*s\n", m->name, STR_ARG(buf_str(&text)));
    }
}

int mfa_ask(struct mfa_command *m, const struct mfa_request *r) {
    AUTO_FINI(buf) struct buf path = buf_make(TEXT_MAX_BYTES);
    struct fault why = {{0}};
    buf_addz(&path, r->path);
    if (r->item) buf_addc(&path, '/');
    http_add_encoded(&path, str_from(r->item));
    if (r->query) buf_addz(&path, r->query);
    const char *z = buf_z(&path);
    if (!z) return mfa_failed(m, error_text(path.error));
    int e = gate_client_ask(m->client, r->method, z, STR_NONE, &m->answer, &why);
    if (e) return mfa_failed(m, why.text);
    if (is_nothing(&m->answer)) return MFA_E_NOTHING;
    if (m->answer.status >= 300) return refused(m, r);
    say_warnings(m);
    return EXIT_DONE;
}

// ---- lists

static int read_limit(const struct mfa_command *m, uint64_t *ret) {
    *ret = LIMIT;
    if (!m->args->limit) return EXIT_DONE;
    if (parse_u64(str_from(m->args->limit), ret) && *ret > 0 && *ret <= LIMIT_MAX) return EXIT_DONE;
    return mfa_wrong(m, "--limit: expected a number from 1 to 10000");
}

int mfa_list(struct mfa_command *m, struct mfa_listing *l) {
    const struct mfa_request request = {
        .method = "GET", .path = l->path, .query = "?list=true", .capability = "list"};
    uint64_t limit;
    int e = read_limit(m, &limit);
    if (!e) e = mfa_ask(m, &request);
    if (e) return e == MFA_E_NOTHING ? EXIT_DONE : e;
    struct json_iter it = json_iter(json_path(m->answer.body, "data.keys"));
    struct json_iter infos = json_iter(json_path(m->answer.body, "data.key_info"));
    while (!e && json_next(&it)) {
        struct str key = json_str(it.value);
        bool told = json_next(&infos) && str_eq(infos.key, key); // in the same order
        const struct json *info = told ? infos.value : NULL;
        if (l->wants && !l->wants(info)) continue;
        if (l->shown == limit) {
            l->left++;
            continue;
        }
        e = l->show(m, key, info, l->ctx);
        l->shown++;
    }
    return e;
}

// ---- printing

int mfa_print_json(const struct mfa_command *m, struct str name, const struct json *v) {
    AUTO_FINI(buf) struct buf line = buf_make(LINE_MAX_BYTES);
    struct json_iter it = json_iter(v);
    int e = 0;
    json_open(&line, '{');
    if (name.p) json_key(&line, STR("name"));
    if (name.p) json_add_str(&line, name);
    while (!e && json_next(&it)) {
        json_key(&line, it.key);
        e = json_add_value(&line, it.value);
    }
    json_close(&line, '}');
    if (!e) e = line.error;
    if (e) return mfa_failed(m, error_text(e));
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    return EXIT_DONE;
}

int mfa_print(const struct mfa_command *m, const struct buf *text) {
    if (text->error) return mfa_failed(m, error_text(text->error));
    printf("%.*s", STR_ARG(buf_str(text)));
    return EXIT_DONE;
}

int mfa_print_columns(const struct mfa_command *m, const struct buf *columns) {
    int e = columns_print(columns, stdout);
    return e ? mfa_failed(m, error_text(e)) : EXIT_DONE;
}

void mfa_print_left(size_t left) {
    if (left) printf("... and %zu more (--limit)\n", left);
}

void mfa_add_text(struct buf *out, const struct json *object, const char *key) {
    columns_add_clean(out, json_str(json_get(object, key)));
}

bool mfa_is_set(const struct json *object, const char *key) {
    return !json_is_empty(json_get(object, key));
}

bool mfa_instant(const struct json *object, const char *key, int64_t *ret_ms) {
    return time_parse_iso8601(json_str(json_get(object, key)), ret_ms);
}

void mfa_add_span(struct buf *out, int64_t ms) {
    static const struct {
        int64_t from_ms, unit_ms; // below `from_ms` the next one is taken
        const char *name;
    } units[] = {
        {2 * TIME_DAY_MS, TIME_DAY_MS, "d"},
        {2 * TIME_HOUR_MS, TIME_HOUR_MS, "h"},
        {2 * TIME_MINUTE_MS, TIME_MINUTE_MS, "min"},
        {10 * TIME_SECOND_MS, TIME_SECOND_MS, "s"},
    };
    for (size_t i = 0; i < LEN(units); i++) {
        if (ms < units[i].from_ms) continue;
        buf_add_i64(out, (ms + units[i].unit_ms / 2) / units[i].unit_ms);
        buf_addf(out, " %s", units[i].name);
        return;
    }
    buf_addf(out, "%.1f s", ms > 0 ? (double)ms / 1000 : 0.0);
}

// ---- methods

static int show_method(struct mfa_command *m, struct str key, const struct json *info, void *ctx) {
    AUTO_FINI(buf) struct buf line = buf_make(TEXT_MAX_BYTES);
    (void)info;
    (void)ctx;
    if (m->args->json) json_add_str(&line, key);
    else columns_add_clean(&line, key);
    buf_addc(&line, '\n');
    return mfa_print(m, &line);
}

static int methods(struct mfa_command *m) {
    struct mfa_listing l = {.path = "sys/mfa/method", .show = show_method};
    int e = mfa_list(m, &l);
    if (e || m->args->json) return e;
    if (!l.shown) printf("there is no MFA method\n");
    mfa_print_left(l.left);
    return EXIT_DONE;
}

// ---- the command

static const struct topic {
    const char *word, *name;
    size_t words_max;
    bool clear; // takes --clear
    int (*run)(struct mfa_command *m);
} topics[] = {
    {"guard", "mfa guard", 3, true, mfa_guard},
    {"challenges", "mfa challenges", 2, false, mfa_challenges},
    {"methods", "mfa methods", 1, false, methods},
};

static int find(const struct topic **ret, const char *word) {
    const char *words[LEN(topics)];
    for (size_t i = 0; i < LEN(topics); i++) {
        words[i] = topics[i].word;
        if (strcmp(word, words[i]) != 0) continue;
        *ret = &topics[i];
        return EXIT_DONE;
    }
    const char *near = str_nearest(str_from(word), words, LEN(words));
    fprintf(stderr, "gatehouse mfa: %s: expected guard, challenges or methods%s%s%s\n", word,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return EXIT_USAGE;
}

static int check(const struct mfa_command *m, const struct topic *t) {
    const struct args *a = m->args;
    if (a->word_count > t->words_max) return mfa_wrong(m, "too many arguments");
    if (a->clear && !t->clear) return mfa_wrong(m, "--clear: no such option");
    for (size_t i = 1; i < a->word_count; i++)
        if (!a->words[i][0]) return mfa_wrong(m, "an argument is empty");
    return EXIT_DONE;
}

static int connect_to_gate(struct mfa_command *m) {
    struct fault why = {{0}};
    const struct gate_client_opts opts = {.address = m->args->address,
                                          .fallback = "https://127.0.0.1:8200",
                                          .token_file = true,
                                          .timeout_ms = TIMEOUT_MS};
    int e = gate_client_new(&m->client, &opts, &why);
    if (e == GATE_CLIENT_E_WRONG) return mfa_wrong(m, why.text);
    return e ? mfa_failed(m, why.text) : EXIT_DONE;
}

int command_mfa(const struct args *args) {
    const struct topic *topic = NULL;
    struct mfa_command m = {.args = args};
    int e = find(&topic, args->words[0]);
    if (e) return e;
    m.name = topic->name;
    e = check(&m, topic);
    if (!e) e = connect_to_gate(&m);
    if (!e) e = topic->run(&m);
    gate_client_free(m.client);
    if (e == EXIT_DONE && (fflush(stdout) || ferror(stdout)))
        return mfa_failed(&m, "standard output cannot be written");
    return e;
}
