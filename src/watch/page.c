// SPDX-License-Identifier: Apache-2.0
// While events are being mapped the buffers may move, so places are kept as offsets; the documents
// for the sinks are pointed out at the end.
#include "watch/page.h"

#include <errno.h>

#include "base/parse.h"
#include "base/time.h"
#include "store/journal.h"
#include "watch/audited.h"
#include "watch/recent.h"
#include "json/split.h"

enum { KEEP_BYTES = 8 << 20 };
// A page of the journal ends behind the document that passes one of these.
enum { READ_DOCUMENTS = 1000, READ_BYTES = 8 << 20 };

int page_new(struct page **ret) {
    struct page *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->refs = 1;
    p->body = buf_make(PAGE_BODY_MAX_BYTES);
    p->documents = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    p->strings = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    *ret = p;
    return 0;
}

struct page *page_ref(struct page *p) {
    p->refs++;
    return p;
}

struct page *page_unref(struct page *p) {
    if (!p || --p->refs > 0) return NULL;
    buf_fini(&p->body);
    buf_fini(&p->documents);
    buf_fini(&p->strings);
    free(p->cursor);
    free(p->next);
    free(p->events);
    free(p->docs);
    free(p->dead);
    free(p->wanted);
    free(p);
    return NULL;
}

void page_memory_fini(struct page_memory *m) {
    buf_fini(&m->documents);
    buf_fini(&m->strings);
    free(m->events);
    free(m->docs);
    *m = (struct page_memory){.event_cap = 0};
}

bool page_stands(const struct page *p) {
    return p->received == 0 && p->cursor && p->next && strcmp(p->cursor, p->next) == 0;
}

static void forget_content(struct page *p) {
    buf_reset(&p->documents);
    buf_reset(&p->strings);
    p->event_count = 0;
    p->dead_count = 0;
    p->wanted_count = 0;
    p->received = 0;
    p->undated = 0;
    p->newest_ms = 0;
    p->first_dead.text[0] = '\0';
}

void page_reset(struct page *p) {
    forget_content(p);
    buf_shrink(&p->body, KEEP_BYTES);
    buf_shrink(&p->documents, KEEP_BYTES);
    buf_shrink(&p->strings, KEEP_BYTES);
    free(TAKE(p->cursor));
    free(TAKE(p->next));
    p->date_ms = 0;
    p->caught_up = false;
    p->more = false;
}

static struct page_memory memory_of(struct page *p) {
    forget_content(p);
    struct page_memory m = {p->documents, p->strings,    TAKE(p->events),
                            p->event_cap, TAKE(p->docs), p->doc_cap};
    p->documents = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    p->strings = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    p->event_cap = p->doc_cap = 0;
    return m;
}

void page_give_memory(struct page *p, struct page_memory *to) {
    page_memory_fini(to);
    *to = memory_of(p);
}

void page_take_memory(struct page *p, struct page_memory *from) {
    struct page_memory own = memory_of(p);
    page_memory_fini(&own);
    if (from->documents.max == 0) return; // nothing was ever given
    p->documents = from->documents;
    p->strings = from->strings;
    p->events = from->events;
    p->event_cap = from->event_cap;
    p->docs = from->docs;
    p->doc_cap = from->doc_cap;
    *from = (struct page_memory){.event_cap = 0};
}

static int keep_strings(struct page *p, struct page_event *event, const struct ecs_facts *facts) {
    const struct str all[5] = {facts->uuid, facts->published, facts->event_type, facts->outcome,
                               facts->actor};
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

static int add_event(struct page *p, struct str text, size_t doc_at, size_t doc_end,
                     const struct ecs_facts *facts) {
    int e = mem_grow(&p->events, &p->event_cap, p->event_count + 1, sizeof *p->events);
    if (e) return e;
    struct page_event *event = &p->events[p->event_count];
    *event = (struct page_event){
        .text = text,
        .id = hash128(facts->uuid),
        .doc_at = doc_at,
        .doc_end = doc_end,
        .has_published = facts->has_published,
        .published_ms = facts->has_published ? facts->published_ms : 0,
    };
    e = keep_strings(p, event, facts);
    if (e) return e;
    if (!facts->has_published) p->undated++;
    if (event->published_ms > p->newest_ms && !is_from_the_future(p, event))
        p->newest_ms = event->published_ms;
    p->event_count++;
    return 0;
}

// The reason lies in `strings`; its place is kept as an offset in the pointer's stead until the
// end.
static int add_dead(struct page *p, struct str text, struct str uuid, const struct fault *reason) {
    int e = mem_grow(&p->dead, &p->dead_cap, p->dead_count + 1, sizeof *p->dead);
    if (e) return e;
    if (p->dead_count == 0) p->first_dead = *reason;
    p->dead[p->dead_count++] = (struct store_dead_letter){
        .event = text,
        .uuid = {NULL, uuid.n},
        .reason = {NULL, strlen(reason->text)},
    };
    buf_add_str(&p->strings, uuid);
    buf_addz(&p->strings, reason->text);
    return p->strings.error;
}

struct mapping {
    struct page *page;
    const struct page_map_opts *opts;
    struct recent seen; // uuids of this page
    struct buf dead_places;
    struct fault *fault;
};

static int note_dead(struct mapping *m, struct str text, struct str uuid,
                     const struct fault *reason) {
    size_t place = m->page->strings.n;
    buf_add(&m->dead_places, &place, sizeof place);
    if (m->dead_places.error) return m->dead_places.error;
    return add_dead(m->page, text, uuid, reason);
}

static int note_wanted(struct mapping *m, struct str text, const struct ecs_facts *facts) {
    struct page *p = m->page;
    if (!m->opts->wants || !m->opts->wants(facts->event_type)) return 0;
    int e = mem_grow(&p->wanted, &p->wanted_cap, p->wanted_count + 1, sizeof *p->wanted);
    if (e) return e;
    p->wanted[p->wanted_count++] =
        (struct page_wanted){.text = text, .id = hash128(facts->uuid), .has_id = facts->uuid.n > 0};
    return 0;
}

static int take_mapped(struct mapping *m, struct str text, size_t doc_at,
                       const struct ecs_facts *facts) {
    struct hash128 id = hash128(facts->uuid);
    if (recent_has(&m->seen, id)) {
        buf_cut(&m->page->documents, doc_at);
        return 0;
    }
    int e = recent_reserve(&m->seen, 1, 0);
    if (e) return e;
    recent_add(&m->seen, id);
    e = add_event(m->page, text, doc_at, m->page->documents.n, facts);
    return e ? e : note_wanted(m, text, facts);
}

static int map_one(struct mapping *m, struct str text) {
    struct ecs_facts facts = {0};
    struct fault reason = {{0}};
    size_t doc_at = m->page->documents.n;
    int e =
        ecs_map(m->opts->mapper, text, m->opts->fetched_ms, &m->page->documents, &facts, &reason);
    switch (e) {
    case 0: return take_mapped(m, text, doc_at, &facts);
    case ECS_E_NOT_JSON:
        if (!m->opts->accept_broken)
            return fault_set(m->fault, PAGE_E_BROKEN, "event %zu of the page is not JSON: %s",
                             m->page->received, reason.text);
        return note_dead(m, text, STR_NONE, &reason);
    case ECS_E_UNMAPPABLE:
        e = note_dead(m, text, facts.uuid, &reason);
        return e ? e : note_wanted(m, text, &facts);
    default: return e;
    }
}

static int map_all(struct mapping *m) {
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

static struct str take_string(const struct page *p, size_t *at, size_t length) {
    struct str s = {length ? p->strings.p + *at : NULL, length};
    *at += length;
    return s;
}

static int point_out_docs(struct page *p, const char *source) {
    int e = mem_grow(&p->docs, &p->doc_cap, p->event_count, sizeof *p->docs);
    if (e) return e;
    for (size_t i = 0; i < p->event_count; i++) {
        const struct page_event *event = &p->events[i];
        size_t at = event->strings_at;
        struct sink_doc *doc = &p->docs[i];
        doc->uuid = take_string(p, &at, event->lengths[0]);
        doc->published = take_string(p, &at, event->lengths[1]);
        doc->event_type = take_string(p, &at, event->lengths[2]);
        doc->outcome = take_string(p, &at, event->lengths[3]);
        doc->actor = take_string(p, &at, event->lengths[4]);
        doc->source = str_from(source);
        doc->has_published = event->has_published;
        doc->published_ms = event->published_ms;
        doc->document =
            (struct str){p->documents.p + event->doc_at, event->doc_end - event->doc_at};
    }
    return 0;
}

static void point_out_dead(struct page *p, const struct buf *places) {
    for (size_t i = 0; i < p->dead_count; i++) {
        size_t at;
        memcpy(&at, places->p + i * sizeof at, sizeof at);
        p->dead[i].uuid = take_string(p, &at, p->dead[i].uuid.n);
        p->dead[i].reason = take_string(p, &at, p->dead[i].reason.n);
    }
}

int page_map(struct page *p, const struct page_map_opts *opts, struct fault *fault) {
    struct mapping m = {.page = p, .opts = opts, .fault = fault};
    m.dead_places = buf_make(PAGE_BODY_MAX_BYTES);
    forget_content(p);
    int e = map_all(&m);
    if (!e) e = point_out_docs(p, opts->source);
    if (!e) point_out_dead(p, &m.dead_places);
    recent_fini(&m.seen);
    buf_fini(&m.dead_places);
    return e;
}

// ---- pages of the journal

struct reading {
    struct mapping mapping;
    struct audited *audited;
    struct buf ends; // of each document, in page->documents
    int64_t last;    // number of the last one
};

// The store is locked meanwhile: the bytes are taken, and looked at afterwards.
static int take_document(void *ctx, int64_t number, struct str document) {
    struct reading *r = ctx;
    struct page *p = r->mapping.page;
    buf_add_str(&p->documents, document);
    buf_add(&r->ends, &p->documents.n, sizeof p->documents.n);
    r->last = number;
    p->received++;
    p->more = p->received == READ_DOCUMENTS || p->documents.n >= READ_BYTES;
    return p->more || p->documents.error || r->ends.error;
}

static int take_documents(struct reading *r, const struct page_read_opts *opts) {
    struct page *p = r->mapping.page;
    if (!parse_i64(str_from(p->cursor), &r->last))
        return fault_set(r->mapping.fault, -EINVAL, "the cursor %s is no number", p->cursor);
    int e = journal_read(opts->store, r->last, READ_DOCUMENTS, take_document, r, r->mapping.fault);
    if (e > 0) return -EUCLEAN;
    if (!e) e = p->documents.error;
    return e ? e : r->ends.error;
}

static int note_document(struct reading *r, size_t at, size_t end) {
    struct page *p = r->mapping.page;
    struct str text = {p->documents.p + at, end - at};
    struct ecs_facts facts = {0};
    struct fault reason = {{0}};
    int e = audited_facts(r->audited, text, &facts, &reason);
    if (e > 0) return note_dead(&r->mapping, text, facts.uuid, &reason);
    return e ? e : add_event(p, text, at, end, &facts);
}

static int note_documents(struct reading *r) {
    size_t at = 0;
    int e = 0;
    for (size_t i = 0; !e && i < r->mapping.page->received; i++) {
        size_t end;
        memcpy(&end, r->ends.p + i * sizeof end, sizeof end);
        e = note_document(r, at, end);
        at = end;
    }
    return e;
}

static int set_next(struct page *p, int64_t last) {
    AUTO_FINI(buf) struct buf text = buf_make(32);
    buf_add_i64(&text, last);
    free(p->next);
    p->next = buf_take(&text);
    return p->next ? 0 : -ENOMEM;
}

int page_read(struct page *p, const struct page_read_opts *opts, struct fault *fault) {
    struct reading r = {.mapping = {.page = p, .fault = fault}};
    r.mapping.dead_places = buf_make(PAGE_BODY_MAX_BYTES);
    r.ends = buf_make(READ_DOCUMENTS * sizeof(size_t));
    forget_content(p);
    int e = audited_new(&r.audited);
    if (!e) e = take_documents(&r, opts);
    if (!e) e = note_documents(&r);
    if (!e) e = point_out_docs(p, opts->source);
    if (!e) e = set_next(p, r.last);
    if (!e) point_out_dead(p, &r.mapping.dead_places);
    audited_free(r.audited);
    buf_fini(&r.mapping.dead_places);
    buf_fini(&r.ends);
    return e;
}
