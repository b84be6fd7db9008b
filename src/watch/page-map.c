// SPDX-License-Identifier: Apache-2.0
// An event is read once, whatever forms are wanted of it. One that cannot be had in a form is a
// dead letter of the outputs that want that form, and an event for the others.
#include <errno.h>

#include "base/time.h"
#include "watch/page-internal.h"
#include "json/split.h"

struct page_mapping page_mapping_make(struct page *p, struct fault *fault) {
    page_forget_content(p);
    return (struct page_mapping){
        .page = p, .fault = fault, .dead_places = buf_make(PAGE_BODY_MAX_BYTES)};
}

void page_mapping_fini(struct page_mapping *m) {
    recent_fini(&m->seen);
    buf_fini(&m->dead_places);
}

// ---- noting

static int keep_strings(struct page *p, struct page_event *event, const struct page_facts *facts) {
    const struct ecs_facts *ecs = &facts->ecs;
    const struct str all[LEN(event->lengths)] = {ecs->uuid,        ecs->published, ecs->event_type,
                                                 ecs->outcome,     ecs->actor,     facts->dataset,
                                                 facts->name_space};
    event->strings_at = p->strings.n;
    for (size_t i = 0; i < LEN(all); i++) {
        event->lengths[i] = all[i].n;
        buf_add_str(&p->strings, all[i]);
    }
    return p->strings.error;
}

// A `published` later than the page itself says nothing about how far we have come.
static bool is_from_the_future(const struct page *p, const struct page_event *event) {
    return p->date_ms > 0 && event->published_ms > p->date_ms + TIME_MINUTE_MS;
}

int page_add_event(struct page *p, struct str text, const struct page_facts *facts) {
    const struct ecs_facts *ecs = &facts->ecs;
    int e = mem_grow(&p->events, &p->event_cap, p->event_count + 1, sizeof *p->events);
    if (e) return e;
    struct page_event *event = &p->events[p->event_count];
    *event = (struct page_event){
        .text = text,
        .id = hash128(ecs->uuid),
        .has_published = ecs->has_published,
        .published_ms = ecs->has_published ? ecs->published_ms : 0,
    };
    e = keep_strings(p, event, facts);
    if (e) return e;
    if (!ecs->has_published) p->undated++;
    if (event->published_ms > p->newest_ms && !is_from_the_future(p, event))
        p->newest_ms = event->published_ms;
    p->event_count++;
    return 0;
}

int page_set_span(struct page *p, enum ecs_form form, size_t at, size_t n) {
    struct page_form *f = &p->forms[form];
    int e = mem_grow(&f->spans, &f->span_cap, p->event_count + 1, sizeof *f->spans);
    if (e) return e;
    f->spans[p->event_count] = (struct page_span){at, n};
    return 0;
}

// The texts lie in `strings`, their place among `dead_places`.
int page_note_dead(struct page_mapping *m, struct str text, const struct ecs_facts *facts,
                   unsigned forms, const struct fault *reason) {
    struct page *p = m->page;
    size_t place = p->strings.n;
    buf_add(&m->dead_places, &place, sizeof place);
    if (m->dead_places.error) return m->dead_places.error;
    int e = mem_grow(&p->dead, &p->dead_cap, p->dead_count + 1, sizeof *p->dead);
    if (e) return e;
    p->dead[p->dead_count++] = (struct page_dead){
        .letter = {.event = text,
                   .uuid = {NULL, facts->uuid.n},
                   .reason = {NULL, strlen(reason->text)}},
        .event_type = {NULL, facts->event_type.n},
        .outcome = {NULL, facts->outcome.n},
        .forms = forms,
    };
    buf_add_str(&p->strings, facts->uuid);
    buf_addz(&p->strings, reason->text);
    buf_add_str(&p->strings, facts->event_type);
    buf_add_str(&p->strings, facts->outcome);
    return p->strings.error;
}

static int note_wanted(struct page_mapping *m, struct str text, const struct ecs_facts *facts) {
    struct page *p = m->page;
    if (!m->opts->wants || !m->opts->wants(facts->event_type)) return 0;
    int e = mem_grow(&p->wanted, &p->wanted_cap, p->wanted_count + 1, sizeof *p->wanted);
    if (e) return e;
    p->wanted[p->wanted_count++] =
        (struct page_wanted){.text = text, .id = hash128(facts->uuid), .has_id = facts->uuid.n > 0};
    return 0;
}

// ---- mapping

// `ret_written` is told when there is a document.
static int write_form(struct page_mapping *m, enum ecs_form form, struct str text,
                      const struct ecs_facts *facts, bool *ret_written) {
    struct buf *documents = &m->page->forms[form].documents;
    struct fault reason = {{0}};
    size_t at = documents->n;
    int e = ecs_write(m->opts->mapper, form, documents, &reason);
    if (e == ECS_E_UNMAPPABLE) e = page_note_dead(m, text, facts, page_form_bit(form), &reason);
    else if (!e) *ret_written = true;
    return e ? e : page_set_span(m->page, form, at, documents->n - at);
}

static int write_forms(struct page_mapping *m, struct str text, const struct ecs_facts *facts,
                       bool *ret_written) {
    int e = 0;
    for (unsigned i = 0; !e && i < PAGE_FORMS; i++)
        if (m->forms & page_form_bit((enum ecs_form)i))
            e = write_form(m, (enum ecs_form)i, text, facts, ret_written);
    return e;
}

static int take_read(struct page_mapping *m, struct str text, const struct ecs_facts *facts) {
    const struct page_facts all = {.ecs = *facts};
    struct hash128 id = hash128(facts->uuid);
    bool written = false;
    if (recent_has(&m->seen, id)) return 0;
    int e = write_forms(m, text, facts, &written);
    if (!e && written) e = recent_reserve(&m->seen, 1, 0);
    if (!e && written) e = page_add_event(m->page, text, &all);
    if (e) return e;
    if (written) recent_add(&m->seen, id);
    return note_wanted(m, text, facts);
}

static int map_one(struct page_mapping *m, struct str text) {
    struct ecs_facts facts = {0};
    struct fault reason = {{0}};
    int e = ecs_read(m->opts->mapper, text, m->opts->fetched_ms, &facts, &reason);
    switch (e) {
    case 0: return take_read(m, text, &facts);
    case ECS_E_NOT_JSON:
        if (!m->opts->accept_broken)
            return fault_set(m->fault, PAGE_E_BROKEN, "event %zu of the page is not JSON: %s",
                             m->page->received, reason.text);
        return page_note_dead(m, text, &(struct ecs_facts){0}, m->forms, &reason);
    case ECS_E_UNMAPPABLE:
        e = page_note_dead(m, text, &facts, m->forms, &reason);
        return e ? e : note_wanted(m, text, &facts);
    default: return e;
    }
}

static int map_all(struct page_mapping *m) {
    struct json_split split = json_split(buf_str(&m->page->body));
    struct fault where = {{0}};
    for (;;) {
        if (atomic_load_explicit(m->opts->stop, memory_order_relaxed)) return -ECANCELED;
        struct str text;
        int e = json_split_next(&split, &text, &where);
        if (e == JSON_SPLIT_E_END) return 0;
        if (e) return fault_set(m->fault, PAGE_E_BROKEN, "the page is broken: %s", where.text);
        m->page->received++;
        e = map_one(m, text);
        if (e) return e;
    }
}

int page_map(struct page *p, const struct page_map_opts *opts, struct fault *fault) {
    const struct page_names names = {.source = opts->source,
                                     .dataset = STR("okta.system"),
                                     .name_space =
                                         str_from(opts->name_space ? opts->name_space : "default")};
    struct page_mapping m = page_mapping_make(p, fault);
    m.opts = opts;
    m.forms = opts->forms ? opts->forms : page_form_bit(ECS_FORM_ECS);
    p->made = m.forms;
    int e = map_all(&m);
    if (!e) e = page_point_out(&m, &names);
    page_mapping_fini(&m);
    return e;
}

// ---- pointing out

static struct str take_string(const struct page *p, size_t *at, size_t length) {
    struct str s = {length ? p->strings.p + *at : NULL, length};
    *at += length;
    return s;
}

static struct sink_doc doc_of(const struct page *p, const struct page_event *event,
                              const struct page_names *names) {
    size_t at = event->strings_at;
    struct sink_doc doc = {.source = str_from(names->source),
                           .has_published = event->has_published,
                           .published_ms = event->published_ms};
    struct str *const strings[LEN(event->lengths)] = {
        &doc.uuid,  &doc.published, &doc.event_type, &doc.outcome,
        &doc.actor, &doc.dataset,   &doc.name_space};
    for (size_t i = 0; i < LEN(strings); i++) *strings[i] = take_string(p, &at, event->lengths[i]);
    if (!doc.dataset.p) doc.dataset = names->dataset;
    if (!doc.name_space.p) doc.name_space = names->name_space;
    return doc;
}

static int point_out_form(struct page *p, struct page_form *f, const struct page_names *names) {
    int e = mem_grow(&f->docs, &f->doc_cap, p->event_count, sizeof *f->docs);
    if (e) return e;
    for (size_t i = 0; i < p->event_count; i++) {
        const struct page_span *span = &f->spans[i];
        f->docs[i] = doc_of(p, &p->events[i], names);
        if (span->n > 0) f->docs[i].document = (struct str){f->documents.p + span->at, span->n};
    }
    return 0;
}

static void point_out_dead(struct page *p, const struct buf *places) {
    for (size_t i = 0; i < p->dead_count; i++) {
        struct page_dead *dead = &p->dead[i];
        struct str *const strings[] = {&dead->letter.uuid, &dead->letter.reason, &dead->event_type,
                                       &dead->outcome};
        size_t at;
        memcpy(&at, places->p + i * sizeof at, sizeof at);
        for (size_t k = 0; k < LEN(strings); k++) *strings[k] = take_string(p, &at, strings[k]->n);
    }
}

int page_point_out(struct page_mapping *m, const struct page_names *names) {
    struct page *p = m->page;
    int e = 0;
    for (unsigned i = 0; !e && i < PAGE_FORMS; i++)
        if (p->made & page_form_bit((enum ecs_form)i)) e = point_out_form(p, &p->forms[i], names);
    if (!e) point_out_dead(p, &m->dead_places);
    return e;
}
