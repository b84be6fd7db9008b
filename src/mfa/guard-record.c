// SPDX-License-Identifier: Apache-2.0
// What is known of a subject: the record, finding it, and making the next one.
#include <errno.h>

#include "identity/codec.h"
#include "identity/fold.h"
#include "mfa/guard-internal.h"

static const struct codec_row rows[] = {
    {"subject", CODEC_TEXT, offsetof(struct guarded, subject)},
    {"org", CODEC_TEXT, offsetof(struct guarded, org)},
    {"login", CODEC_TEXT, offsetof(struct guarded, login)},
    {"asked", CODEC_TEXT, offsetof(struct guarded, asked)},
    {"user_id", CODEC_TEXT, offsetof(struct guarded, user_id)},
    {"used", CODEC_LIST, offsetof(struct guarded, used)},
    {"pushes", CODEC_LIST, offsetof(struct guarded, pushes)},
    {"out_until_ms", CODEC_INT, offsetof(struct guarded, out_until_ms)},
    {"out", CODEC_TEXT, offsetof(struct guarded, out)},
    {"denials", CODEC_INT, offsetof(struct guarded, denials)},
    {"paused_until_ms", CODEC_INT, offsetof(struct guarded, paused_until_ms)},
    {"wrong_codes", CODEC_INT, offsetof(struct guarded, wrong_codes)},
    {"locked_ms", CODEC_INT, offsetof(struct guarded, locked_ms)},
    {"lock_reason", CODEC_TEXT, offsetof(struct guarded, lock_reason)},
    {"lock_event", CODEC_TEXT, offsetof(struct guarded, lock_event)},
    {"unlocked_ms", CODEC_INT, offsetof(struct guarded, unlocked_ms)},
    {"risk_ms", CODEC_INT, offsetof(struct guarded, risk_ms)},
    {"risk_told_ms", CODEC_INT, offsetof(struct guarded, risk_told_ms)},
    {"cleared_ms", CODEC_INT, offsetof(struct guarded, cleared_ms)},
    {"seen", CODEC_LIST, offsetof(struct guarded, seen)},
    {"touched_ms", CODEC_INT, offsetof(struct guarded, touched_ms)},
};

static const size_t texts[] = {
    offsetof(struct guarded, subject),     offsetof(struct guarded, org),
    offsetof(struct guarded, login),       offsetof(struct guarded, asked),
    offsetof(struct guarded, user_id),     offsetof(struct guarded, used),
    offsetof(struct guarded, pushes),      offsetof(struct guarded, out),
    offsetof(struct guarded, lock_reason), offsetof(struct guarded, lock_event),
    offsetof(struct guarded, seen),
};

static struct tree_key by_id(const void *item) {
    const struct guarded *g = item;
    return (struct tree_key){g->org, g->user_id};
}

static struct tree_key by_login(const void *item) {
    const struct guarded *g = item;
    return (struct tree_key){g->login, g->subject};
}

static struct tree_key by_asked(const void *item) {
    const struct guarded *g = item;
    return (struct tree_key){g->asked, g->subject};
}

static void encode(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int decode(void **ret, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf lists = buf_make(GUARD_TEXT_MAX);
    struct guarded g = {0};
    int r = codec_decode(rows, LEN(rows), v, &g, &lists, fault);
    if (r < 0) return r;
    if (!g.subject.n) return fault_set(fault, -EINVAL, "member \"subject\" is missing");
    if (!g.user_id.n) return fault_set(fault, -EINVAL, "member \"user_id\" is missing");
    return record_make(ret, &g, sizeof g, texts, LEN(texts), &guarded_type, RECORD_GUARD);
}

const struct record_type guarded_type = {
    .name = "guard",
    .index = {{by_id, record_hold, record_drop},
              {by_login, record_hold, record_drop},
              {by_asked, record_hold, record_drop}},
    .index_count = 3,
    .encode = encode,
    .decode = decode,
};

// ---- finding

// By id nothing is allocated: a rule that cannot be looked up would not speak.

// Okta's ids have no colon, so that a subject can be read one way only.
static int write_user_subject(struct buf *out, struct str org, struct str user_id) {
    buf_addz(out, "user:");
    buf_add_str(out, org);
    buf_addc(out, ':');
    buf_add_str(out, user_id);
    return out->error;
}

static int write_entity_subject(struct buf *out, struct str entity_id) {
    buf_addz(out, "entity:");
    buf_add_str(out, entity_id);
    return out->error;
}

const struct guarded *guard_get(const struct state *s, struct str org, struct str id) {
    return id.n ? state_get(s, RECORD_GUARD, 0, (struct tree_key){org, id}) : NULL;
}

struct tree_walk guard_walk(const struct state *s) {
    return state_from(s, RECORD_GUARD, 1, (struct tree_key){STR(""), STR("")});
}

const struct guarded *guard_entity(const struct state *s, struct str entity_id) {
    return guard_get(s, STR(""), entity_id);
}

static const struct guarded *later(const struct guarded *a, const struct guarded *b) {
    return !a || b->touched_ms > a->touched_ms ? b : a;
}

// Of the org's users who have that name in that index, the one that was touched last.
static const struct guarded *named(const struct state *s, int index, struct str org,
                                   struct str name, const struct guarded *best) {
    const struct tree_key from = {name, STR("user:")};
    struct tree_walk walk = state_from(s, RECORD_GUARD, index, from);
    const struct guarded *g;
    while ((g = tree_next(&walk)) && str_eq(guarded_type.index[index].key(g).a, name)) {
        if (!str_starts(g->subject, STR("user:"))) break;
        if (str_eq(g->org, org)) best = later(best, g);
    }
    return best;
}

int guard_find_user(const struct state *s, const struct guard_subject *who,
                    const struct guarded **ret) {
    *ret = NULL;
    if (!who->org.n) return 0;
    if (who->user_id.n) {
        *ret = guard_get(s, who->org, who->user_id);
        return 0;
    }
    AUTO_FINI(buf) struct buf name = buf_make(GUARD_TEXT_MAX);
    fold_text(&name, who->login);
    if (name.error || !name.n) return name.error;
    *ret = named(s, 2, who->org, buf_str(&name), named(s, 1, who->org, buf_str(&name), NULL));
    return 0;
}

const struct guarded *guard_user(const struct state *s, const struct guard_subject *who) {
    const struct guarded *g = NULL;
    int r = guard_find_user(s, who, &g);
    return r ? NULL : g;
}

bool guard_is_called(const struct guarded *g, struct str folded) {
    if (!folded.n) return false;
    return str_eq(g->login, folded) || str_eq(g->asked, folded) ||
           str_eq_nocase(g->user_id, folded);
}

struct guard_subject guard_subject_of(const struct guarded *g) {
    if (!g->org.n) return (struct guard_subject){.entity_id = g->user_id, .entity_name = g->login};
    return (struct guard_subject){.org = g->org, .login = g->login, .user_id = g->user_id};
}

// ---- changing

struct guard_edit guard_edit_of(const struct guarded *g) {
    struct guard_edit e = {.fresh = !g};
    if (g) e.g = *g;
    e.subject = e.login = e.asked = e.used = e.pushes = e.seen = buf_make(GUARD_TEXT_MAX);
    return e;
}

void guard_edit_fini(struct guard_edit *e) {
    buf_fini(&e->subject);
    buf_fini(&e->login);
    buf_fini(&e->asked);
    buf_fini(&e->used);
    buf_fini(&e->pushes);
    buf_fini(&e->seen);
}

int guard_edit_user(struct guard_edit *e, const struct state *s, const struct guard_subject *who) {
    *e = guard_edit_of(NULL);
    int r = write_user_subject(&e->subject, who->org, who->user_id);
    if (r == 0) fold_text(&e->login, who->login);
    if (r == 0) r = e->login.error;
    if (r) return r;
    const struct guarded *known = guard_get(s, who->org, who->user_id);
    e->fresh = !known;
    e->g = known ? *known
                 : (struct guarded){.subject = buf_str(&e->subject),
                                    .org = who->org,
                                    .login = buf_str(&e->login),
                                    .user_id = who->user_id};
    return 0;
}

int guard_edit_entity(struct guard_edit *e, const struct state *s,
                      const struct guard_subject *who) {
    *e = guard_edit_of(NULL);
    int r = write_entity_subject(&e->subject, who->entity_id);
    if (r == 0) fold_text(&e->login, who->entity_name);
    if (r == 0) r = e->login.error;
    if (r) return r;
    const struct guarded *known = guard_entity(s, who->entity_id);
    e->fresh = !known;
    if (known) e->g = *known;
    e->g.subject = buf_str(&e->subject);
    e->g.user_id = who->entity_id;
    if (e->login.n || !known) e->g.login = buf_str(&e->login);
    return 0;
}

int guard_list_front(struct buf *place, struct list *list, struct str text, size_t max) {
    struct str rest = list->packed, item;
    size_t n = 1;
    buf_reset(place);
    list_add(place, text);
    while (n < max && list_next(&rest, &item)) {
        if (str_eq(item, text)) continue;
        list_add(place, item);
        n++;
    }
    *list = list_of(place);
    return place->error;
}

int guard_edit_put(struct guard_edit *e, struct draft *d, int64_t now_ms) {
    void *made = NULL;
    e->g.touched_ms = now_ms;
    int r = record_make(&made, &e->g, sizeof e->g, texts, LEN(texts), &guarded_type, RECORD_GUARD);
    return r < 0 ? r : draft_put(d, made);
}
