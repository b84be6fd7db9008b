// SPDX-License-Identifier: Apache-2.0
#include "sim/limits.h"

#include <errno.h>

#include "base/time.h"

void limits_fini(struct limits *l) {
    for (size_t i = 0; i < l->n_tokens; i++) free(l->tokens[i].text);
    free(l->tokens);
    *l = (struct limits){.tokens = NULL};
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
    }
    token->role = role;
    token->share_percent = share_percent;
    return 0;
}

static uint64_t limit_of(const struct limits *l, const struct limits_token *token) {
    if (!token) return l->ceiling;
    uint64_t percent = token->share_percent ? token->share_percent : l->share_percent;
    uint64_t limit = l->ceiling * percent / 100;
    return limit ? limit : 1;
}

// A window that is over, or lies in the future because the clock was set back, begins anew.
static void refresh(struct limits_window *w, int64_t now_ms) {
    if (w->used && now_ms >= w->start_ms && now_ms < w->start_ms + LIMITS_WINDOW_MS) return;
    *w = (struct limits_window){.start_ms = now_ms};
}

struct limits_view limits_look(struct limits *l, const struct limits_token *token, int64_t now_ms) {
    struct limits_window w = token ? token->window : l->org;
    refresh(&w, now_ms);
    uint64_t limit = limit_of(l, token);
    return (struct limits_view){
        .limit = limit,
        .remaining = w.used < limit ? limit - w.used : 0,
        .reset_s = (w.start_ms + LIMITS_WINDOW_MS) / TIME_SECOND_MS,
    };
}

static void note_highest(struct limits *l, uint64_t used, uint64_t limit) {
    bool higher = l->highest_limit == 0 || used * l->highest_limit > l->highest_used * limit;
    if (!higher) return;
    l->highest_used = used;
    l->highest_limit = limit;
}

int limits_admit(struct limits *l, struct limits_token *token, int64_t now_ms,
                 struct limits_view *view) {
    if (l->in_progress > l->concurrency) {
        *view = (struct limits_view){.reset_s = now_ms / TIME_SECOND_MS + 1};
        return LIMITS_E_CONCURRENCY;
    }
    refresh(&token->window, now_ms);
    refresh(&l->org, now_ms);
    uint64_t limit = limit_of(l, token);
    bool full = token->window.used >= limit;
    bool org_full = l->org.used >= l->ceiling;
    if (!full && !org_full) {
        token->window.used++;
        l->org.used++;
        note_highest(l, token->window.used, limit);
    }
    *view = limits_look(l, token, now_ms);
    if (org_full && !full) {
        view->remaining = 0;
        view->reset_s = limits_look(l, NULL, now_ms).reset_s;
    }
    return full || org_full ? LIMITS_E_RATE : 0;
}

void limits_enter(struct limits *l) {
    l->in_progress++;
    if (l->in_progress > l->highest_in_progress) l->highest_in_progress = l->in_progress;
}

void limits_leave(struct limits *l) { l->in_progress--; }

void limits_clear_windows(struct limits *l) {
    l->org = (struct limits_window){.used = 0};
    for (size_t i = 0; i < l->n_tokens; i++)
        l->tokens[i].window = (struct limits_window){.used = 0};
}
