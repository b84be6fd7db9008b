// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_PAGE_H
#define WATCH_PAGE_H
// One page of events on its way: the bytes as received, the documents made of them in each form
// that an output wants, and what could not be mapped. Shared by the pairs that stand at the same
// cursor; counted references (loop thread). Everything lives in a few buffers that are reused for
// the next page, so memory is bounded by a page. page.c, page-map.c, page-read.c.

#include <stdatomic.h>

#include "base/hash.h"
#include "ecs/map.h"
#include "sink/sink.h"
#include "store/store.h"

enum {
    PAGE_BODY_MAX_BYTES = 64 << 20,       // a longer answer is refused
    PAGE_DOCUMENTS_MAX_BYTES = 512 << 20, // documents of one page, in one form
    PAGE_FORMS = ECS_FORM_RAW_GO + 1,
};

// Forms are told as a set of these.
static inline unsigned page_form_bit(enum ecs_form form) { return 1U << form; }

struct page_event {
    struct str text;   // as received, borrowed from `body`
    struct hash128 id; // of the uuid
    // uuid, published, event_type, outcome, actor, dataset and namespace (both only of a journal's)
    // one after the other in `strings`:
    size_t strings_at;
    size_t lengths[7];
    bool has_published;
    int64_t published_ms;
};

// An event that somebody is to be told of (watch.h).
struct page_wanted {
    struct str text;   // as received, borrowed from `body`
    struct hash128 id; // of the uuid
    bool has_id;
};

// What could not be mapped, and in which forms not; its texts are borrowed from `body` and
// `strings`.
struct page_dead {
    struct store_dead_letter letter;
    struct str event_type, outcome; // absent when they are not known
    unsigned forms;
};

// The documents of a page in one form.
struct page_span {
    size_t at, n; // in `documents`; n 0: the event has none in this form
};
struct page_form {
    struct buf documents;
    struct page_span *spans; // one per event
    size_t span_cap;
    struct sink_doc *docs; // one per event; without `document` where there is none
    size_t doc_cap;
};

// What the mapping of a page needs beside the bytes that Okta sent, about twice as much: it goes
// from page to page, so that a page that is still being received is without it.
struct page_memory {
    struct page_form forms[PAGE_FORMS];
    struct buf strings;
    struct page_event *events;
    size_t event_cap;
};

struct page {
    int refs;
    char *cursor; // the URL that was asked
    char *next;   // the URL that comes after it
    int64_t date_ms;
    int64_t asked_mono_ms;
    bool caught_up;
    bool more; // of a journal: there may be more than the page holds

    struct buf body;
    struct page_form forms[PAGE_FORMS];
    unsigned made; // which of them are there
    bool ready;    // of a journal: its documents are in the first one, and for everybody
    struct buf strings;
    struct page_event *events; // mapped in some form, without repeats inside the page
    size_t event_count, event_cap;
    struct page_dead *dead; // in the order of the page
    size_t dead_count, dead_cap;

    struct page_wanted *wanted; // in order, also what could not be mapped
    size_t wanted_count, wanted_cap;

    size_t received;   // elements of the array
    size_t undated;    // events whose `published` did not parse
    int64_t newest_ms; // newest published that is not later than date_ms; 0: none
};

int page_new(struct page **ret) MUST_USE; // one reference
struct page *page_ref(struct page *p);
struct page *page_unref(struct page *p); // NULL-safe, returns NULL

// An empty page whose next link leads to itself: nothing more is there now.
bool page_stands(const struct page *p);

// Which of the page's forms is the one to take for what is wanted in `form`; and whether it is
// there.
enum ecs_form page_form_of(const struct page *p, enum ecs_form form);
bool page_has_form(const struct page *p, enum ecs_form form);

// Forgets everything but the memory (large buffers are given back). Only with a single reference.
void page_reset(struct page *p);

// Moves the memory of the mapping out of a page that is done with, or into one that is to be
// mapped; what the other side had before is freed. The page's events and documents are forgotten.
void page_take_memory(struct page *p, struct page_memory *from);
void page_give_memory(struct page *p, struct page_memory *to);
void page_memory_shrink(struct page_memory *m, size_t bytes); // to so much in each buffer
void page_memory_fini(struct page_memory *m);

struct page_map_opts {
    struct ecs_mapper *mapper;
    const char *source;                   // its name; outlives the page
    const char *name_space;               // data_stream.namespace, likewise; NULL: "default"
    unsigned forms;                       // which are wanted; 0: ECS alone
    int64_t fetched_ms;                   // wall clock
    bool accept_broken;                   // events that are not JSON become dead letters too
    bool (*wants)(struct str event_type); // which go into page->wanted; NULL: none
    const atomic_bool *stop;
};

// Outcome of page_map: the page is not what a page is (cut, not an array, an event that is not
// JSON); `fault` says where. It is to be fetched again.
enum { PAGE_E_BROKEN = 1 };

struct page_read_opts {
    struct store *store;
    const char *source; // its name; outlives the page
};
// A page of the gate's audit journal: the documents behind the number that is its cursor, as they
// are; sets `next` and `more`. What is no document becomes a dead letter. Runs in a job. Outcomes:
// 0; -errno with fault (a state that is damaged: -EUCLEAN).
int page_read(struct page *p, const struct page_read_opts *opts, struct fault *fault) MUST_USE;

// Splits the body and maps every event. Runs in a job.
// Outcomes: 0; PAGE_E_BROKEN; -ECANCELED (stop was set); -ENOMEM; -EMSGSIZE.
int page_map(struct page *p, const struct page_map_opts *opts, struct fault *fault) MUST_USE;

#endif
