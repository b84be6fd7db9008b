// SPDX-License-Identifier: Apache-2.0
// The life of a page, and of the memory that goes from one to the next.
#include "watch/page.h"

#include <errno.h>

#include "watch/page-internal.h"

enum { KEEP_BYTES = 8 << 20 };

static void form_init(struct page_form *form) {
    *form = (struct page_form){.documents = buf_make(PAGE_DOCUMENTS_MAX_BYTES)};
}

static void form_fini(struct page_form *form) {
    buf_fini(&form->documents);
    free(form->spans);
    free(form->docs);
}

int page_new(struct page **ret) {
    struct page *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->refs = 1;
    p->body = buf_make(PAGE_BODY_MAX_BYTES);
    for (size_t i = 0; i < LEN(p->forms); i++) form_init(&p->forms[i]);
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
    for (size_t i = 0; i < LEN(p->forms); i++) form_fini(&p->forms[i]);
    buf_fini(&p->strings);
    free(p->cursor);
    free(p->next);
    free(p->events);
    free(p->dead);
    free(p->wanted);
    free(p);
    return NULL;
}

void page_memory_fini(struct page_memory *m) {
    for (size_t i = 0; i < LEN(m->forms); i++) form_fini(&m->forms[i]);
    buf_fini(&m->strings);
    free(m->events);
    *m = (struct page_memory){.event_cap = 0};
}

void page_memory_shrink(struct page_memory *m, size_t bytes) {
    for (size_t i = 0; i < LEN(m->forms); i++) buf_shrink(&m->forms[i].documents, bytes);
    buf_shrink(&m->strings, bytes);
}

enum ecs_form page_form_of(const struct page *p, enum ecs_form form) {
    return p->ready ? ECS_FORM_ECS : form;
}

bool page_has_form(const struct page *p, enum ecs_form form) {
    return (p->made & page_form_bit(page_form_of(p, form))) != 0;
}

bool page_stands(const struct page *p) {
    return p->received == 0 && p->cursor && p->next && strcmp(p->cursor, p->next) == 0;
}

void page_forget_content(struct page *p) {
    for (size_t i = 0; i < LEN(p->forms); i++) buf_reset(&p->forms[i].documents);
    buf_reset(&p->strings);
    p->made = 0;
    p->ready = false;
    p->event_count = 0;
    p->dead_count = 0;
    p->wanted_count = 0;
    p->received = 0;
    p->undated = 0;
    p->newest_ms = 0;
}

void page_reset(struct page *p) {
    page_forget_content(p);
    buf_shrink(&p->body, KEEP_BYTES);
    for (size_t i = 0; i < LEN(p->forms); i++) buf_shrink(&p->forms[i].documents, KEEP_BYTES);
    buf_shrink(&p->strings, KEEP_BYTES);
    free(TAKE(p->cursor));
    free(TAKE(p->next));
    p->date_ms = 0;
    p->caught_up = false;
    p->more = false;
}

static struct page_memory memory_of(struct page *p) {
    page_forget_content(p);
    struct page_memory m = {
        .strings = p->strings, .events = TAKE(p->events), .event_cap = p->event_cap};
    for (size_t i = 0; i < LEN(p->forms); i++) {
        m.forms[i] = p->forms[i];
        form_init(&p->forms[i]);
    }
    p->strings = buf_make(PAGE_DOCUMENTS_MAX_BYTES);
    p->event_cap = 0;
    return m;
}

void page_give_memory(struct page *p, struct page_memory *to) {
    page_memory_fini(to);
    *to = memory_of(p);
}

void page_take_memory(struct page *p, struct page_memory *from) {
    struct page_memory own = memory_of(p);
    page_memory_fini(&own);
    if (from->strings.max == 0) return; // nothing was ever given
    for (size_t i = 0; i < LEN(p->forms); i++) p->forms[i] = from->forms[i];
    p->strings = from->strings;
    p->events = from->events;
    p->event_cap = from->event_cap;
    *from = (struct page_memory){.event_cap = 0};
}
