// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_PAGE_INTERNAL_H
#define WATCH_PAGE_INTERNAL_H
// What mapping a page and reading one from the journal have in common. While that goes on the
// buffers may move, so places are kept as offsets; the documents for the sinks are pointed out at
// the end. In a job.

#include "watch/page.h"
#include "watch/recent.h"

struct page_mapping {
    struct page *page;
    const struct page_map_opts *opts; // NULL for a journal's
    unsigned forms;
    struct recent seen; // uuids of this page
    struct buf dead_places;
    struct fault *fault;
};

// What is told of an event beside its text: data streams only where they are the event's own.
struct page_facts {
    struct ecs_facts ecs;
    struct str dataset, name_space;
};

void page_forget_content(struct page *p);
struct page_mapping page_mapping_make(struct page *p, struct fault *fault);
void page_mapping_fini(struct page_mapping *m);

// The event whose spans have been set at [event_count]. Outcomes: 0; -ENOMEM; -EMSGSIZE.
int page_add_event(struct page *p, struct str text, const struct page_facts *facts) MUST_USE;
// Where the next event's document lies. Outcomes: 0; -ENOMEM.
int page_set_span(struct page *p, enum ecs_form form, size_t at, size_t n) MUST_USE;
// It could not be mapped in these forms. Outcomes: 0; -ENOMEM; -EMSGSIZE.
int page_note_dead(struct page_mapping *m, struct str text, const struct ecs_facts *facts,
                   unsigned forms, const struct fault *reason) MUST_USE;

// The end: documents and dead letters get their pointers. Outcomes: 0; -ENOMEM.
struct page_names {
    const char *source;
    struct str dataset, name_space; // of events that have none of their own
};
int page_point_out(struct page_mapping *m, const struct page_names *names) MUST_USE;

#endif
