// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/parse.h"
#include "base/time.h"
#include "sim/control-call.h"
#include "sim/mfa-log.h"
#include "sim/phone-page.h"
#include "json/write.h"

enum { LIST_LIMIT = 1000, LIST_LIMIT_MAX = 100000, NAME_MAX = 256, WAIT_MAX_MS = 120000 };

static int bad(struct control_call *call, const char *key, const char *expected) {
    return fault_set(call->fault, CONTROL_E_BAD, "%s: expected %s", key, expected);
}

static int refuse_unknown(struct control_call *call, const char *const *known, size_t n) {
    struct json_iter it = json_iter(call->body);
    while (json_next(&it)) {
        size_t i = 0;
        while (i < n && !str_eqz(it.key, known[i])) i++;
        if (i < n) continue;
        const char *near = str_nearest(it.key, known, n);
        return fault_set(call->fault, CONTROL_E_BAD, "\"%.*s\" is not known here%s%s%s",
                         STR_ARG(it.key), near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
    }
    return 0;
}

// ---- phones

static void add_phone(struct control_call *call, const struct user *user) {
    json_open(call->out, '{');
    control_add_text(call->out, "user", user->id);
    control_add_text(call->out, "login", user->login);
    control_add_text(call->out, "status", user->status);
    phone_add_counts(call->out, &user->phone);
    json_key(call->out, STR("script"));
    phone_write_script(call->out, &user->phone);
    json_close(call->out, '}');
}

static bool was_used(const struct phone *p) {
    return p->n || p->verify.asked || p->polls.asked || p->cancels.asked;
}

// Of ?user=, or of all whose phone has a script or was asked for something.
int control_get_phones(struct control_call *call) {
    struct str name = args_get(call->args, "user");
    const struct users *users = call->sim->users;
    struct user *only = NULL;
    int e = name.p ? control_find_user(call, name, &only) : 0;
    if (e) return e;
    json_key(call->out, STR("phones"));
    json_open(call->out, '[');
    for (size_t i = 0; i < users->n; i++) {
        const struct user *user = &users->each[i];
        if (only ? user == only : was_used(&user->phone)) add_phone(call, user);
    }
    json_close(call->out, ']');
    return 0;
}

static int set_all(struct control_call *call, const struct json *script) {
    struct users *users = call->sim->users;
    int e = 0;
    for (size_t i = 0; !e && i < users->n; i++)
        e = phone_read(&users->each[i].phone, script, call->fault);
    return e;
}

// {user, script}; without a user: every user that there is.
int control_set_phone(struct control_call *call) {
    static const char *const known[] = {"user", "script"};
    const struct json *name = json_get(call->body, "user");
    const struct json *script = json_get(call->body, "script");
    struct user *user = NULL;
    int e = refuse_unknown(call, known, LEN(known));
    if (!e && !script) e = bad(call, "script", "a deed such as \"approve\", a step, or an array");
    if (!e && name) e = control_find_user(call, json_str(name), &user);
    if (e) return e;
    e = user ? phone_read(&user->phone, script, call->fault) : set_all(call, script);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    control_add_number(call->out, "set", user ? 1 : (int64_t)call->sim->users->n);
    return 0;
}

// ---- pushes

static void add_optional(struct buf *out, const char *key, const char *text) {
    json_key(out, str_from(key));
    if (*text) json_add_text(out, str_from(text));
    else json_add_null(out);
}

static void add_tapped(struct buf *out, const struct push *push) {
    json_key(out, STR("correct"));
    if (push->correct == PUSH_NO_NUMBER) json_add_null(out);
    else json_add_i64(out, push->correct);
    json_key(out, STR("choices"));
    json_open(out, '[');
    for (size_t i = 0; push->correct != PUSH_NO_NUMBER && i < PUSH_CHOICES; i++) {
        json_comma(out);
        json_add_i64(out, push->choices[i]);
    }
    json_close(out, ']');
    json_key(out, STR("tapped"));
    if (push->tapped == PUSH_NO_NUMBER) json_add_null(out);
    else json_add_i64(out, push->tapped);
}

static void add_push(struct control_call *call, const struct push *push) {
    static const struct {
        const char *key;
        enum push_text text;
    } texts[] = {{"user", PUSH_USER},
                 {"login", PUSH_LOGIN},
                 {"name", PUSH_NAME},
                 {"factor", PUSH_FACTOR},
                 {"device", PUSH_DEVICE},
                 {"user_agent", PUSH_AGENT},
                 {"x_forwarded_for", PUSH_FORWARDED},
                 {"address", PUSH_ADDRESS},
                 {"client", PUSH_CLIENT},
                 {"token", PUSH_TOKEN}};
    struct buf *out = call->out;
    json_open(out, '{');
    control_add_number(out, "number", push->number);
    control_add_text(out, "id", push->id);
    for (size_t i = 0; i < LEN(texts); i++)
        add_optional(out, texts[i].key, push->texts[texts[i].text]);
    control_add_text(out, "state", push_state_name(push->state));
    control_add_text(out, "result", push_result(&call->sim->pushes, push));
    add_tapped(out, push);
    control_add_instant(out, "asked", push->asked_ms);
    control_add_instant(out, "expires", push->expires_ms);
    json_key(out, STR("ended"));
    if (push->state == PUSH_WAITING) json_add_null(out);
    else {
        char text[TIME_RFC3339_MAX];
        time_format_rfc3339(push->ended_ms, text);
        json_add_str(out, str_from(text));
    }
    control_add_number(out, "polls", push->polls);
    json_close(out, '}');
}

// What ?user=, ?state=, ?after=, ?limit=, ?count= and ?wait= ask for.
struct listing {
    const char *user_id; // NULL: all
    enum { STATE_ANY, STATE_WAITING, STATE_ENDED } state;
    uint64_t after, limit, count; // wanted before the wait ends
    int64_t wait_ms;
    size_t found;
};

static int read_number(struct control_call *call, const char *key, uint64_t max, uint64_t *place) {
    struct str text = args_get(call->args, key);
    uint64_t n;
    if (!text.p) return 0;
    if (!parse_u64(text, &n) || n > max) return bad(call, key, "a whole number");
    *place = n;
    return 0;
}

static int read_wait(struct control_call *call, struct listing *l) {
    struct str text = args_get(call->args, "wait");
    if (!text.p) return 0;
    if (!parse_duration_ms(text, &l->wait_ms) || l->wait_ms < 0 || l->wait_ms > WAIT_MAX_MS)
        return bad(call, "wait", "a duration of at most 2m, such as 10s");
    return 0;
}

static int read_state(struct control_call *call, struct listing *l) {
    struct str text = args_get(call->args, "state");
    if (!text.p) return 0;
    if (str_eqz(text, "waiting")) l->state = STATE_WAITING;
    else if (str_eqz(text, "ended")) l->state = STATE_ENDED;
    else return bad(call, "state", "waiting or ended");
    return 0;
}

static int read_listing(struct control_call *call, struct listing *l) {
    struct str name = args_get(call->args, "user");
    struct user *user = NULL;
    *l = (struct listing){.limit = LIST_LIMIT, .count = 1};
    int e = name.p ? control_find_user(call, name, &user) : 0;
    if (!e) e = read_state(call, l);
    if (!e) e = read_number(call, "after", UINT32_MAX, &l->after);
    if (!e) e = read_number(call, "limit", LIST_LIMIT_MAX, &l->limit);
    if (!e) e = read_number(call, "count", UINT32_MAX, &l->count);
    if (!e) e = read_wait(call, l);
    if (user) l->user_id = user->id;
    return e;
}

static bool fits(const struct listing *l, const struct push *push) {
    bool waiting = push->state == PUSH_WAITING;
    if (l->state == STATE_WAITING && !waiting) return false;
    if (l->state == STATE_ENDED && waiting) return false;
    return !l->user_id || strcmp(push->texts[PUSH_USER], l->user_id) == 0;
}

// The place of the first to show: of too many, the newest are shown.
static size_t count_fitting(const struct pushes *p, struct listing *l) {
    size_t first = p->n;
    for (size_t i = p->n; i > l->after; i--) {
        if (!fits(l, p->each[i - 1])) continue;
        if (l->found++ < l->limit) first = i - 1;
    }
    return first;
}

int control_get_pushes(struct control_call *call) {
    const struct pushes *p = &call->sim->pushes;
    struct listing l;
    int e = read_listing(call, &l);
    if (e) return e;
    size_t first = count_fitting(p, &l);
    int64_t left = l.wait_ms - call->request->waited_ms;
    if (l.found < l.count && left > 0) {
        call->reply->delivery = REPLY_AGAIN;
        call->reply->delay_ms = pushes_until_due(call->sim, left);
        return 0;
    }
    json_key(call->out, STR("pushes"));
    json_open(call->out, '[');
    for (size_t i = first; i < p->n; i++)
        if (fits(&l, p->each[i])) add_push(call, p->each[i]);
    json_close(call->out, ']');
    control_add_number(call->out, "found", (int64_t)l.found);
    control_add_number(call->out, "waiting", (int64_t)p->n_waiting);
    control_add_number(call->out, "sent", (int64_t)p->n);
    return 0;
}

int control_forget_pushes(struct control_call *call) {
    struct users *users = call->sim->users;
    control_add_number(call->out, "forgotten", (int64_t)call->sim->pushes.n);
    for (size_t i = 0; i < users->n; i++) users->each[i].phone.waiting = 0;
    pushes_clear(&call->sim->pushes);
    return 0;
}

// The push by {id}, or the oldest that waits, of {user} or of anybody.
static int find_push(struct control_call *call, struct push **ret) {
    const struct pushes *p = &call->sim->pushes;
    const struct json *id = json_get(call->body, "id"), *name = json_get(call->body, "user");
    struct user *user = NULL;
    int e = name ? control_find_user(call, json_str(name), &user) : 0;
    if (e) return e;
    struct push *push =
        id ? pushes_find(p, json_str(id)) : pushes_oldest(p, user ? user->id : NULL);
    if (!push)
        return fault_set(call->fault, CONTROL_E_BAD,
                         id ? "id: there is no such push" : "no push is waiting");
    if (push->state != PUSH_WAITING)
        return fault_set(call->fault, CONTROL_E_BAD, "the push is not waiting any more: %s",
                         push_state_name(push->state));
    *ret = push;
    return 0;
}

static int read_answer(struct control_call *call, enum phone_deed *deed, int *number) {
    const struct json *answer = json_get(call->body, "answer");
    const struct json *tapped = json_get(call->body, "number");
    int64_t n = PUSH_NO_NUMBER;
    *deed = PHONE_APPROVE;
    if ((!answer && !tapped) ||
        (answer && (!phone_read_deed(deed, json_str(answer)) || *deed == PHONE_IGNORE)))
        return bad(call, "answer", "approve, deny, wrong_number, cancel or unknown");
    if (tapped && (!json_i64(tapped, &n) || n < 0 || n > 99))
        return bad(call, "number", "a number from 0 to 99");
    *number = (int)n;
    return 0;
}

int control_answer_push(struct control_call *call) {
    static const char *const known[] = {"id", "user", "answer", "number"};
    int64_t now_ms = simclock_now(&call->sim->clock);
    enum phone_deed deed = PHONE_IGNORE;
    struct push *push = NULL;
    int number = PUSH_NO_NUMBER;
    int e = refuse_unknown(call, known, LEN(known));
    if (!e) e = read_answer(call, &deed, &number);
    if (!e) e = find_push(call, &push);
    if (!e) e = pushes_answer(call->sim, push, deed, number, now_ms);
    if (e) return e;
    json_key(call->out, STR("push"));
    add_push(call, push);
    return 0;
}

// ---- what happens elsewhere

struct signal {
    char kind[NAME_MAX], level[NAME_MAX], ip[NAME_MAX], agent[NAME_MAX];
};

static int copy_member(struct control_call *call, const char *key, char ret[NAME_MAX]) {
    const struct json *v = json_get(call->body, key);
    struct str text = json_str(v);
    ret[0] = '\0';
    if (!v) return 0;
    if (!text.n || text.n >= NAME_MAX) return bad(call, key, "a short string");
    memcpy(ret, text.p, text.n);
    ret[text.n] = '\0';
    return 0;
}

static int read_signal(struct control_call *call, struct signal *s, struct user **user) {
    static const char *const known[] = {"user", "kind", "level", "ip", "user_agent"};
    int e = refuse_unknown(call, known, LEN(known));
    if (!e) e = copy_member(call, "kind", s->kind);
    if (!e) e = copy_member(call, "level", s->level);
    if (!e) e = copy_member(call, "ip", s->ip);
    if (!e) e = copy_member(call, "user_agent", s->agent);
    if (!e && !mfa_log_knows(str_from(s->kind))) e = bad(call, "kind", mfa_log_signals());
    return e ? e : control_find_user(call, json_str(json_get(call->body, "user")), user);
}

static const char *push_factor(const struct user *user) {
    const struct factor *push = factors_find(&user->factors, STR("push"));
    return push ? push->id : "opfElsewhere00000000";
}

// A lock is one: the user's status says so from now on.
static int apply(struct sim *sim, struct user *user, const char *kind, int64_t now_ms) {
    bool unlock = strcmp(kind, "unlock") == 0;
    if (!unlock && strcmp(kind, "lock") != 0) return 0;
    user->wrong_codes = 0;
    return user_set_status(user, unlock ? "ACTIVE" : "LOCKED_OUT", sim->reader, now_ms);
}

int control_signal(struct control_call *call) {
    struct sim *sim = call->sim;
    int64_t now_ms = simclock_now(&sim->clock);
    struct signal s;
    struct user *user;
    int e = read_signal(call, &s, &user);
    if (!e) e = apply(sim, user, s.kind, now_ms);
    if (e) return e;
    struct mfa_who who = {.user_id = user->id,
                          .login = user->login,
                          .name = user->name,
                          .factor_id = push_factor(user),
                          .user_agent = s.agent[0] ? s.agent : NULL,
                          .ip = s.ip,
                          .method = METHOD_PUSH};
    e = mfa_log_signal(sim, str_from(s.kind), &who, s.level[0] ? s.level : NULL, now_ms);
    if (!e) control_add_number(call->out, "events", (int64_t)store_count(sim->store));
    return e;
}

int control_phone_page(struct control_call *call) {
    buf_reset(call->out);
    buf_addz(call->out, phone_page());
    return 0;
}
