// SPDX-License-Identifier: Apache-2.0
#include "sim/limits.h"

#include <errno.h>

#include "base/hash.h"
#include "base/time.h"

enum { ID_SEED = 0x303054 };

void limits_fini(struct limits *l) {
    for (size_t i = 0; i < l->n_tokens; i++) free(l->tokens[i].text);
    free(l->tokens);
    *l = (struct limits){.tokens = NULL};
}

const char *limits_bucket_name(enum limits_bucket bucket) {
    static const char *const names[LIMITS_BUCKETS] = {"logs", "token",   "users",
                                                      "user", "factors", "verify"};
    return names[bucket];
}

struct limits_token *limits_find(struct limits *l, struct str text) {
    for (size_t i = 0; i < l->n_tokens; i++)
        if (str_eqz(text, l->tokens[i].text)) return &l->tokens[i];
    return NULL;
}

int limits_set_token(struct limits *l, struct str text, enum limits_role role,
                     uint64_t share_percent) {
    struct limits_token *token = limits_find(l, text);
    if (!token) {
        int e = mem_grow(&l->tokens, &l->cap_tokens, l->n_tokens + 1, sizeof *l->tokens);
        if (e) return e;
        char *copy = mem_copy(text.p, text.n);
        if (!copy) return -ENOMEM;
        token = &l->tokens[l->n_tokens++];
        *token = (struct limits_token){.text = copy};
        struct rand rand = rand_make(hash64(text, ID_SEED));
        company_id(token->id, "00T", &rand);
    }
    token->role = role;
    token->principal.share_percent = share_percent;
    return 0;
}

static uint64_t limit_of(const struct limits *l, const struct limits_principal *principal,
                         enum limits_bucket bucket) {
    if (!principal) return l->ceilings[bucket];
    uint64_t percent = principal->share_percent ? principal->share_percent : l->share_percent;
    uint64_t limit = l->ceilings[bucket] * percent / 100;
    return limit ? limit : 1;
}

// A window that is over, or lies in the future because the clock was set back, begins anew.
static void refresh(struct limits_window *w, int64_t now_ms) {
    if (w->used && now_ms >= w->start_ms && now_ms < w->start_ms + LIMITS_WINDOW_MS) return;
    *w = (struct limits_window){.start_ms = now_ms};
}

struct limits_view limits_look(const struct limits *l, const struct limits_principal *principal,
                               enum limits_bucket bucket, int64_t now_ms) {
    struct limits_window w = principal ? principal->windows[bucket] : l->org[bucket];
    refresh(&w, now_ms);
    uint64_t limit = limit_of(l, principal, bucket);
    return (struct limits_view){
        .limit = limit,
        .remaining = w.used < limit ? limit - w.used : 0,
        .reset_s = (w.start_ms + LIMITS_WINDOW_MS) / TIME_SECOND_MS,
    };
}

static void note_highest(struct limits_highest *highest, uint64_t used, uint64_t limit) {
    bool higher = highest->limit == 0 || used * highest->limit > highest->used * limit;
    if (higher) *highest = (struct limits_highest){.used = used, .limit = limit};
}

int limits_admit(struct limits *l, struct limits_principal *principal, enum limits_bucket bucket,
                 int64_t now_ms, struct limits_view *view) {
    if (l->in_progress > l->concurrency) {
        *view = (struct limits_view){.reset_s = now_ms / TIME_SECOND_MS + 1};
        return LIMITS_E_CONCURRENCY;
    }
    struct limits_window *org = &l->org[bucket];
    struct limits_window *own = principal ? &principal->windows[bucket] : org;
    refresh(own, now_ms);
    refresh(org, now_ms);
    uint64_t limit = limit_of(l, principal, bucket);
    bool full = own->used >= limit;
    bool org_full = org->used >= l->ceilings[bucket];
    if (!full && !org_full) {
        own->used++;
        if (own != org) org->used++;
        note_highest(&l->highest[bucket], own->used, limit);
    }
    *view = limits_look(l, principal, bucket, now_ms);
    if (org_full && !full) {
        view->remaining = 0;
        view->reset_s = limits_look(l, NULL, bucket, now_ms).reset_s;
    }
    return full || org_full ? LIMITS_E_RATE : 0;
}

void limits_enter(struct limits *l) {
    l->in_progress++;
    if (l->in_progress > l->highest_in_progress) l->highest_in_progress = l->in_progress;
}

void limits_leave(struct limits *l) { l->in_progress--; }

void limits_clear_principal(struct limits_principal *principal) {
    memset(principal->windows, 0, sizeof principal->windows);
}

void limits_clear_windows(struct limits *l) {
    memset(l->org, 0, sizeof l->org);
    for (size_t i = 0; i < l->n_tokens; i++) limits_clear_principal(&l->tokens[i].principal);
}
