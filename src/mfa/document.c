// SPDX-License-Identifier: Apache-2.0
// Each document has the same frame and the same parts, of which it has those that there is
// something to say of; a row per action says how ECS calls it. The path of the request is not among
// them, since it may hold a token: the request's own document, found by http.request.id, has it
// masked.
#include "mfa/document.h"

#include "base/time.h"
#include "identity/mount.h"
#include "mfa/trail-internal.h"
#include "json/write.h"

enum { NS_PER_MS = 1000000 };

enum action { CHALLENGE, REFUSED, JOINED, UNLOGGED, FOREIGN, GUARD };

static const struct row {
    const char *action, *kind, *category;
    const char *types; // a JSON array's elements
} rows[] = {
    [CHALLENGE] = {"mfa-challenge", "event", "authentication", "\"start\""},
    [REFUSED] = {"mfa-refused", "event", "authentication", "\"start\",\"denied\""},
    [JOINED] = {"mfa-joined", "event", "authentication", "\"info\""},
    [UNLOGGED] = {"mfa-unlogged", "alert", "authentication", "\"info\""},
    [FOREIGN] = {"mfa-foreign", "alert", "intrusion_detection", "\"info\""},
    [GUARD] = {"mfa-guard", "event", "iam", "\"user\",\"change\""},
};

// ---- pieces

static void add(struct buf *out, const char *key, struct str value) {
    if (!value.n) return;
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void add_flag(struct buf *out, const char *key, bool value) {
    json_key(out, str_from(key));
    json_add_bool(out, value);
}

static void add_time(struct buf *out, const char *key, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    if (!ms) return;
    time_format_rfc3339(ms, text);
    add(out, key, str_from(text));
}

static void open_object(struct buf *out, const char *key) {
    json_key(out, str_from(key));
    json_open(out, '{');
}

static void add_head(struct buf *out, int64_t now_ms) {
    json_open(out, '{');
    add_time(out, "@timestamp", now_ms);
    buf_addz(out, ",\"agent\":{\"type\":\"gatehouse\",\"version\":\"" GATEHOUSE_VERSION
                  "\"},\"data_stream\":{\"type\":\"logs\",\"dataset\":\"gatehouse.mfa\","
                  "\"namespace\":\"default\"},\"ecs\":{\"version\":\"8.11.0\"}");
}

// ---- event

struct happening {
    enum action action;
    const char *verdict; // beside the row's types: "allowed"; NULL: none
    const char *outcome;
    struct str reason;
    int64_t start_ms, end_ms; // 0: not told
};

static void add_types(struct buf *out, const struct row *row, const char *verdict) {
    json_key(out, STR("category"));
    json_open(out, '[');
    json_add_str(out, str_from(row->category));
    json_close(out, ']');
    json_key(out, STR("type"));
    json_open(out, '[');
    buf_addz(out, row->types);
    if (verdict) json_add_str(out, str_from(verdict));
    json_close(out, ']');
}

static int add_event(struct buf *out, const struct happening *h) {
    const struct row *row = &rows[h->action];
    open_object(out, "event");
    add(out, "kind", str_from(row->kind));
    add(out, "module", STR("gatehouse"));
    add(out, "dataset", STR("gatehouse.mfa"));
    json_key(out, STR("id"));
    buf_addc(out, '"');
    int r = mount_new_uuid(out);
    buf_addc(out, '"');
    add(out, "action", str_from(row->action));
    add_types(out, row, h->verdict);
    add(out, "outcome", str_from(h->outcome));
    add(out, "reason", h->reason);
    add_time(out, "start", h->start_ms);
    add_time(out, "end", h->end_ms);
    if (h->start_ms && h->end_ms >= h->start_ms) {
        json_key(out, STR("duration"));
        json_add_i64(out, (h->end_ms - h->start_ms) * NS_PER_MS);
    }
    json_close(out, '}');
    return r;
}

// ---- who

struct person {
    struct str id, login, entity_id, entity_name, address;
};

static void add_user(struct buf *out, const struct person *p) {
    if (!p->id.n && !p->login.n) return;
    open_object(out, "user");
    add(out, "id", p->id);
    add(out, "name", p->login);
    json_close(out, '}');
}

// Each text once.
static void add_related(struct buf *out, const struct person *p) {
    const struct str users[] = {p->id, p->login, p->entity_id, p->entity_name};
    open_object(out, "related");
    if (p->address.n) {
        json_key(out, STR("ip"));
        json_open(out, '[');
        json_add_text(out, p->address);
        json_close(out, ']');
    }
    json_key(out, STR("user"));
    json_open(out, '[');
    for (size_t i = 0; i < LEN(users); i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) again = again || str_eq(users[k], users[i]);
        if (users[i].n && !again) json_add_text(out, users[i]);
    }
    json_close(out, ']');
    json_close(out, '}');
}

static struct person person_of(const struct attempt *a) {
    return (struct person){a->user_id, a->login, a->entity_id, a->entity_name, a->remote_address};
}

// Where the request came from.
static void add_origin(struct buf *out, const struct attempt *a) {
    if (a->remote_address.n) {
        open_object(out, "source");
        add(out, "ip", a->remote_address);
        json_close(out, '}');
    }
    if (a->user_agent.n) {
        open_object(out, "user_agent");
        add(out, "original", a->user_agent);
        json_close(out, '}');
    }
    if (a->request_id.n) {
        buf_addz(out, ",\"http\":{\"request\":{");
        add(out, "id", a->request_id);
        buf_addz(out, "}}");
    }
}

// ---- gatehouse.mfa

static void add_challenge(struct buf *out, const struct attempt *a) {
    add(out, "challenge_id", a->id);
    add(out, "method", a->method);
    add(out, "method_id", a->method_id);
    add(out, "org", a->org);
    add(out, "kind", a->code ? STR("code") : STR("push"));
    if (!a->code) add_flag(out, "number_matching", a->number);
    add(out, "transaction_id", a->transaction);
    add(out, "requester", a->requester);
    add_time(out, "began", a->began_ms);
    if (a->factor_id.n) {
        open_object(out, "factor");
        add(out, "id", a->factor_id);
        add(out, "name", a->factor_name);
        add(out, "provider", a->factor_provider);
        json_close(out, '}');
    }
    if (!a->entity_id.n) return;
    open_object(out, "entity");
    add(out, "id", a->entity_id);
    add(out, "name", a->entity_name);
    json_close(out, '}');
}

static void add_entry(struct buf *out, const struct trail_entry *entry) {
    json_open(out, '{');
    add(out, "uuid", entry->uuid);
    add(out, "transaction_id", entry->transaction_id);
    add(out, "type", entry->type);
    add(out, "published", entry->published);
    json_close(out, '}');
}

static void open_entries(struct buf *out) {
    open_object(out, "okta");
    json_key(out, STR("events"));
    json_open(out, '[');
}

static void close_entries(struct buf *out) { buf_addz(out, "]}"); }

static void add_entries(struct buf *out, const struct attempt *a) {
    struct str rest = a->events.packed;
    struct trail_entry entry;
    if (list_is_empty(a->events)) return;
    open_entries(out);
    while (trail_next_entry(&rest, &entry)) add_entry(out, &entry);
    close_entries(out);
}

static void add_signal(struct buf *out, const struct signal *s) {
    char published[TIME_RFC3339_MAX];
    time_format_rfc3339(s->published_ms, published);
    const struct trail_entry entry = {s->uuid, s->transaction_id, s->event_type,
                                      s->published_ms ? str_from(published) : STR_NONE};
    open_entries(out);
    add_entry(out, &entry);
    close_entries(out);
}

static void add_verdict(struct buf *out, struct str rule, struct str reason, struct str detail,
                        int64_t until_ms) {
    open_object(out, "guard");
    add(out, "rule", rule);
    add(out, "reason", reason);
    add(out, "detail", detail);
    add_time(out, "until", until_ms);
    json_close(out, '}');
}

static void open_mfa(struct buf *out) { buf_addz(out, ",\"gatehouse\":{\"mfa\":{"); }

static int close_document(struct buf *out) {
    buf_addz(out, "}}}");
    return out->error;
}

// ---- the documents

static struct str reason_of_rule(struct str rule) {
    for (size_t i = 0; i < GUARD_RULES; i++)
        if (str_eqz(rule, guard_rows[i].name)) return str_from(guard_rows[i].reason);
    return STR_NONE;
}

static struct happening decision_of(const struct attempt *a) {
    bool allowed = a->outcome == TRAIL_ALLOWED;
    struct happening h = {
        .action = CHALLENGE,
        .verdict = allowed ? "allowed" : "denied",
        .outcome = allowed ? "success" : "failure",
        .reason = allowed ? STR_NONE : str_from(challenge_reason_text(a->reason)),
        .start_ms = a->sent_ms ? a->sent_ms : a->began_ms,
        .end_ms = a->decided_ms,
    };
    if (!a->rule.n) return h;
    h.action = REFUSED;
    h.verdict = NULL;
    h.reason = reason_of_rule(a->rule);
    return h;
}

// Everything up to what came of it.
static int open_challenge(struct buf *out, const struct attempt *a, const struct happening *h,
                          int64_t now_ms) {
    const struct person p = person_of(a);
    add_head(out, now_ms);
    int r = add_event(out, h);
    if (r) return r;
    add_user(out, &p);
    add_origin(out, a);
    add_related(out, &p);
    open_mfa(out);
    add_challenge(out, a);
    add(out, "outcome", str_from(trail_outcome_name(a->outcome)));
    return 0;
}

int document_challenge(struct buf *out, const struct attempt *a, const struct guard_verdict *v,
                       int64_t now_ms) {
    const struct happening h = decision_of(a);
    int r = open_challenge(out, a, &h, now_ms);
    if (r) return r;
    if (a->outcome != TRAIL_ALLOWED) add(out, "reason", str_from(challenge_reason_name(a->reason)));
    if (a->rule.n)
        add_verdict(out, a->rule, h.reason, v ? v->detail : STR_NONE, v ? v->until_ms : 0);
    add_entries(out, a);
    return close_document(out);
}

static const char *outcome_of(const struct signal *s) {
    switch (s->kind) {
    case SIGNAL_VERIFIED: return "success";
    case SIGNAL_DENIED:
    case SIGNAL_FAILED:
    case SIGNAL_WRONG_NUMBER: return "failure";
    default: return "unknown";
    }
}

int document_joined(struct buf *out, const struct attempt *a, const struct signal *signal,
                    int64_t now_ms) {
    const struct happening h = {.action = JOINED, .outcome = outcome_of(signal)};
    int r = open_challenge(out, a, &h, now_ms);
    if (r) return r;
    add(out, "signal", str_from(signal_name(signal->kind)));
    add_signal(out, signal);
    return close_document(out);
}

int document_unlogged(struct buf *out, const struct attempt *a, int64_t now_ms) {
    const struct happening h = {.action = UNLOGGED,
                                .outcome = "unknown",
                                .reason = STR("Okta has logged nothing of this challenge"),
                                .start_ms = a->sent_ms,
                                .end_ms = a->decided_ms};
    int r = open_challenge(out, a, &h, now_ms);
    if (r) return r;
    return close_document(out);
}

int document_foreign(struct buf *out, struct str org, const struct signal *signal, int64_t now_ms) {
    const struct happening h = {
        .action = FOREIGN,
        .outcome = outcome_of(signal),
        .reason = STR("done with the gate's credentials, but by no challenge of the gate")};
    const struct person p = {.id = signal->user_id, .login = signal->login};
    add_head(out, now_ms);
    int r = add_event(out, &h);
    if (r) return r;
    add_user(out, &p);
    add_related(out, &p);
    open_mfa(out);
    add(out, "org", org);
    add(out, "signal", str_from(signal_name(signal->kind)));
    add(out, "requester", signal->requester);
    add_signal(out, signal);
    return close_document(out);
}

// What the guard says of a push to this user from what was noted alone: rates and brake are not
// among it.
static struct guard_verdict verdict_of(const struct guarded *g) {
    if (g->locked_ms) return (struct guard_verdict){GUARD_LOCK, 0, g->lock_reason};
    if (g->risk_ms) return (struct guard_verdict){.rule = GUARD_RISK};
    if (g->paused_until_ms)
        return (struct guard_verdict){GUARD_PAUSE, g->paused_until_ms, STR_NONE};
    return (struct guard_verdict){.rule = GUARD_CLEAR};
}

int document_guard(struct buf *out, const struct guarded *g, const struct signal *signal,
                   int64_t now_ms) {
    const struct happening h = {.action = GUARD, .outcome = "success"};
    const struct person p = {.id = g->user_id, .login = g->login};
    const struct guard_verdict v = verdict_of(g);
    add_head(out, now_ms);
    int r = add_event(out, &h);
    if (r) return r;
    add_user(out, &p);
    add_related(out, &p);
    open_mfa(out);
    add(out, "org", g->org);
    add(out, "signal", str_from(signal_name(signal->kind)));
    add_verdict(out, str_from(guard_rows[v.rule].name), str_from(guard_rows[v.rule].reason),
                v.detail, v.until_ms);
    add_signal(out, signal);
    return close_document(out);
}
