// SPDX-License-Identifier: Apache-2.0
// Pages of the gate's audit journal: ready-made documents.
#include <errno.h>

#include "base/parse.h"
#include "store/journal.h"
#include "watch/audited.h"
#include "watch/page-internal.h"

// A page ends behind the document that passes one of these.
enum { READ_DOCUMENTS = 1000, READ_BYTES = 8 << 20 };

struct reading {
    struct page_mapping mapping;
    struct audited *audited;
    struct buf ends; // of each document
    int64_t last;    // number of the last one
};

static struct buf *documents_of(struct reading *r) {
    return &r->mapping.page->forms[ECS_FORM_ECS].documents;
}

// The store is locked meanwhile: the bytes are taken, and looked at afterwards.
static int take_document(void *ctx, int64_t number, struct str document) {
    struct reading *r = ctx;
    struct page *p = r->mapping.page;
    struct buf *documents = documents_of(r);
    buf_add_str(documents, document);
    buf_add(&r->ends, &documents->n, sizeof documents->n);
    r->last = number;
    p->received++;
    p->more = p->received == READ_DOCUMENTS || documents->n >= READ_BYTES;
    return p->more || documents->error || r->ends.error;
}

static int take_documents(struct reading *r, const struct page_read_opts *opts) {
    struct page *p = r->mapping.page;
    if (!parse_i64(str_from(p->cursor), &r->last))
        return fault_set(r->mapping.fault, -EINVAL, "the cursor %s is no number", p->cursor);
    int e = journal_read(opts->store, r->last, READ_DOCUMENTS, take_document, r, r->mapping.fault);
    if (e > 0) return -EUCLEAN;
    if (!e) e = documents_of(r)->error;
    return e ? e : r->ends.error;
}

static int note_document(struct reading *r, size_t at, size_t end) {
    struct page *p = r->mapping.page;
    struct str text = {documents_of(r)->p + at, end - at};
    struct page_facts facts = {.dataset = STR_NONE};
    struct fault reason = {{0}};
    int e = audited_facts(r->audited, text, &facts.ecs, &reason);
    if (e > 0) return page_note_dead(&r->mapping, text, &facts.ecs, p->made, &reason);
    if (!e) e = page_set_span(p, ECS_FORM_ECS, at, end - at);
    if (e) return e;
    struct audited_stream stream = audited_stream(r->audited);
    facts.dataset = stream.dataset;
    facts.name_space = stream.name_space;
    return page_add_event(p, text, &facts);
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
    const struct page_names names = {.source = opts->source};
    struct reading r = {.mapping = page_mapping_make(p, fault)};
    r.ends = buf_make(READ_DOCUMENTS * sizeof(size_t));
    p->ready = true;
    p->made = page_form_bit(ECS_FORM_ECS);
    int e = audited_new(&r.audited);
    if (!e) e = take_documents(&r, opts);
    if (!e) e = note_documents(&r);
    if (!e) e = page_point_out(&r.mapping, &names);
    if (!e) e = set_next(p, r.last);
    audited_free(r.audited);
    page_mapping_fini(&r.mapping);
    buf_fini(&r.ends);
    return e;
}
