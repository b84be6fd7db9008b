// SPDX-License-Identifier: Apache-2.0
// Looking up documents in indices that are not written to any more: before they are sent, where
// that can be told, and behind it, when the answer shows that the engine has rolled over meanwhile.
// What is in two indices is taken out of the newer one.
#include <errno.h>

#include "sink/elasticsearch-internal.h"

// Places that are asked for together, and who asks.
struct lookup {
    struct elastic *engine;
    struct elastic_place *places;
    struct es_item **askers;
    bool *found;
    size_t n;
};

static struct lookup *lookup_free(struct lookup *l) {
    if (!l) return NULL;
    free(l->places);
    free(l->askers);
    free(l->found);
    free(l);
    return NULL;
}
DEFINE_AUTO_FREE(lookup)

static int lookup_new(struct lookup **ret, struct elastic *engine) {
    AUTO(lookup) struct lookup *l = mem_new(sizeof *l);
    if (!l) return -ENOMEM;
    l->engine = engine;
    l->places = mem_new_array(ELASTIC_FIND_MAX, sizeof *l->places);
    l->askers = mem_new_array(ELASTIC_FIND_MAX, sizeof(struct es_item *));
    l->found = mem_new_array(ELASTIC_FIND_MAX, sizeof *l->found);
    if (!l->places || !l->askers || !l->found) return -ENOMEM;
    *ret = TAKE(l);
    return 0;
}

// The first place that has a document keeps it, from the others it is taken out: answers were lost
// over more than one rollover.
static int flush(struct lookup *l, struct fault *fault) {
    size_t copies = 0, n = l->n;
    l->n = 0;
    if (n == 0) return 0;
    int r = elastic_find(l->engine, l->places, n, l->found, fault);
    if (r) return r;
    for (size_t i = 0; i < n; i++) {
        if (!l->found[i]) continue;
        if (l->askers[i]->found) l->places[copies++] = l->places[i];
        l->askers[i]->found = true;
    }
    return elastic_remove(l->engine, l->places, copies, fault);
}

static int ask(struct lookup *l, const char *index, struct es_item *asker, struct fault *fault) {
    l->places[l->n] = (struct elastic_place){.index = str_from(index), .id = asker->doc->uuid};
    l->askers[l->n++] = asker;
    return l->n < ELASTIC_FIND_MAX ? 0 : flush(l, fault);
}

// Asks all indices that may hold the document, but for the one where it is known to be.
static int ask_past(struct lookup *l, struct es_item *asker, struct str but, struct fault *fault) {
    const struct doubt_list *past = &asker->target->past;
    int r = 0;
    for (size_t i = 0; r == 0 && i < past->n; i++) {
        if (!doubt_may_hold(&past->p[i], asker->time_ms) || str_eqz(but, past->p[i].name)) continue;
        r = ask(l, past->p[i].name, asker, fault);
    }
    return r;
}

static bool is_doubtful(const struct es_item *i) {
    if (i->state != ES_OPEN) return false; // perhaps without a target
    const struct doubt_list *past = &i->target->past;
    for (size_t k = 0; k < past->n; k++)
        if (doubt_may_hold(&past->p[k], i->time_ms)) return true;
    return false;
}

static bool any_doubtful(const struct es_page *page) {
    for (size_t i = 0; i < page->n; i++)
        if (is_doubtful(&page->items[i])) return true;
    return false;
}

// ---- before

// Of those that an earlier index has, another copy may have got into the one that is written to:
// the answer was lost, and we died before we could take it out.
static int remove_copies(struct lookup *l, struct es_page *page, struct fault *fault) {
    int r = 0;
    for (size_t at = 0; r == 0 && at < page->n;) {
        size_t n = 0;
        for (; at < page->n && n < ELASTIC_FIND_MAX; at++) {
            const struct es_item *i = &page->items[at];
            if (!i->found || !i->target->write) continue;
            l->places[n++] =
                (struct elastic_place){.index = str_from(i->target->write), .id = i->doc->uuid};
        }
        if (n > 0) r = elastic_find(l->engine, l->places, n, l->found, fault);
        size_t copies = 0;
        for (size_t i = 0; r == 0 && i < n; i++)
            if (l->found[i]) l->places[copies++] = l->places[i];
        if (r == 0) r = elastic_remove(l->engine, l->places, copies, fault);
    }
    return r;
}

int es_look_before(struct es_sink *s, struct es_page *page, struct fault *fault) {
    AUTO(lookup) struct lookup *l = NULL;
    if (!any_doubtful(page)) return 0;
    int r = es_settle_given_up(s, fault);
    if (r == 0) r = lookup_new(&l, s->engine);
    for (size_t i = 0; r == 0 && i < page->n; i++)
        if (page->items[i].state == ES_OPEN) r = ask_past(l, &page->items[i], STR_NONE, fault);
    if (r == 0) r = flush(l, fault);
    if (r == 0) r = remove_copies(l, page, fault);
    for (size_t i = 0; r == 0 && i < page->n; i++) {
        if (!page->items[i].found) continue;
        page->items[i].state = ES_DELIVERED;
        page->items[i].repeated = true;
        page->items[i].new = true;
    }
    return r;
}

// ---- behind

static bool is_in(const struct elastic_item *a) {
    return a->verdict == ELASTIC_ITEM_CREATED || a->verdict == ELASTIC_ITEM_THERE;
}

static bool is_unexpected(const struct es_target *t, struct str index) {
    if (index.n == 0 || (t->write && str_eqz(index, t->write))) return false;
    return !t->elsewhere || !str_eqz(index, t->elsewhere);
}

static bool is_known(const struct es_target *t, struct str index) {
    if (t->write && str_eqz(index, t->write)) return true;
    for (size_t i = 0; i < t->past.n; i++)
        if (str_eqz(index, t->past.p[i].name)) return true;
    return false;
}

// A pipeline of the engine may send documents to another index altogether.
static int note_elsewhere(struct es_sink *s, struct es_target *t, struct str index) {
    char *copy = mem_copy(index.p, index.n);
    if (!copy) return -ENOMEM;
    if (!t->elsewhere)
        fault_set(&s->sink.notice, 0,
                  "documents for %s get into %s, by a pipeline of the engine: repeats are not "
                  "recognised there behind a rollover",
                  t->name, copy);
    free(t->elsewhere);
    t->elsewhere = copy;
    return 0;
}

static int follow(struct es_sink *s, struct es_target *t, struct str index, int64_t now_ms,
                  struct fault *fault) {
    t->moved = true;
    int r = es_target_resolve(s, t, now_ms, fault);
    return r || is_known(t, index) ? r : note_elsewhere(s, t, index);
}

// Outcomes: 0 with whether any target has moved; as es_target_resolve.
static int follow_all(struct es_sink *s, const struct es_page *page, struct es_item *const *sent,
                      const struct elastic_item *answers, size_t n, bool *ret_moved,
                      struct fault *fault) {
    int r = 0;
    for (size_t i = 0; i < s->targets.n; i++) s->targets.p[i]->moved = false;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct es_target *t = sent[i]->target;
        if (!is_in(&answers[i]) || !is_unexpected(t, answers[i].index)) continue;
        *ret_moved = true;
        if (!t->moved) r = follow(s, t, answers[i].index, page->now_ms, fault);
    }
    return r;
}

static int remove_repeats(struct lookup *l, struct es_item *const *sent,
                          const struct elastic_item *answers, size_t n, struct fault *fault) {
    int r = 0;
    size_t copies = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!sent[i]->found) continue;
        l->places[copies++] = (struct elastic_place){answers[i].index, sent[i]->doc->uuid};
        if (copies < ELASTIC_FIND_MAX) continue;
        r = elastic_remove(l->engine, l->places, copies, fault);
        copies = 0;
    }
    return r ? r : elastic_remove(l->engine, l->places, copies, fault);
}

int es_look_behind(struct es_sink *s, struct es_page *page, struct es_item *const *sent,
                   const struct elastic_item *answers, size_t n, struct fault *fault) {
    AUTO(lookup) struct lookup *l = NULL;
    bool moved = false;
    int r = follow_all(s, page, sent, answers, n, &moved, fault);
    if (r || !moved) return r;
    page->moved = true;
    r = es_settle_given_up(s, fault);
    if (r == 0) r = lookup_new(&l, s->engine);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (sent[i]->target->moved && is_in(&answers[i]))
            r = ask_past(l, sent[i], answers[i].index, fault);
    if (r == 0) r = flush(l, fault);
    return r ? r : remove_repeats(l, sent, answers, n, fault);
}
