// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_MAP_H
#define ECS_MAP_H
// One Okta LogEvent in, one document out: the ECS document that Elastic's Okta
// integration 3.13/3.14 would make (docs/ecs.md lists the deliberate differences), or the raw one
// that Elastic Agent would send to Elastic's own ingest pipeline. Pure: no I/O, no clock; no
// allocation per field.

#include "base/buf.h"
#include "base/error.h"

struct ecs_geo;        // ecs/geo.h
struct ecs_useragents; // ecs/useragent.h

struct ecs_opts {
    const char *const *tags; // the source's tags, first in every document's list
    size_t tag_count;
    bool preserve_original_event; // keep event.original; adds the tag of that name. The tag alone
                                  // does it too.
    bool remove_flattened_debug;  // Elastic's setting: individual fields instead of `flattened`
    bool event_type_tags;         // Okta's labels of the event type go into `tags` (Elastic: yes)
    const char *okta_url;         // its host becomes host.name; NULL: none
    struct ecs_useragents
        *useragents; // borrowed, may be NULL: then user_agent.* holds the original only
    const struct ecs_geo
        *geo; // borrowed, may be NULL: then what Okta says fills source.geo and source.as
    const char *agent_name; // for collected documents: agent.name (host name) and agent.version
    const char *agent_version;
    const char *data_stream_namespace; // "default"
};

struct ecs_mapper; // one thread at a time

// Strings in opts are copied, objects borrowed. Outcomes: 0; -ENOMEM.
int ecs_mapper_new(struct ecs_mapper **ret, const struct ecs_opts *opts) MUST_USE;
struct ecs_mapper *ecs_mapper_free(struct ecs_mapper *m);
DEFINE_AUTO_FREE(ecs_mapper)

// What sinks and the collector want to know of an event without reading the document again.
// Borrowed from the mapper until its next call.
struct ecs_facts {
    struct str uuid;      // never empty
    struct str published; // as Okta wrote it; absent when missing
    bool has_published;   // it parsed:
    int64_t published_ms;
    struct str event_type, outcome,
        actor; // eventType, outcome.result, actor.alternateId; absent when missing
};

// Which document is wanted. All forms of one event have the same facts.
enum ecs_form {
    ECS_FORM_ECS,    // mapped here
    ECS_FORM_RAW,    // `message` holds the event as Okta sent it; Elastic's pipeline does the rest
    ECS_FORM_RAW_GO, // the same, but `message` as Elastic Agent makes it: decoded and encoded by Go
};

// Outcomes: the event cannot be mapped (not JSON, not an object, no uuid, nested too deep, ...): it
// belongs to the dead letters. `fault` says why; `out` is as it was.
enum { ECS_E_UNMAPPABLE = 1, ECS_E_NOT_JSON };

// Reads an event, of which ecs_write then makes documents. `event` is borrowed until the last of
// them is written. `fetched_ms`: time of the fetch, which adds event.created, event.module,
// event.dataset, data_stream.* and agent.*, and stands in for a `published` that does not parse; 0:
// exactly what the pipeline itself would make (for raw: what it reads), no more (`gatehouse map`).
// With `fetched_ms` 0 a missing uuid is no reason to refuse. ret_facts (may be NULL) is also set
// with ECS_E_UNMAPPABLE, when there is something to tell. Outcomes: 0; ECS_E_UNMAPPABLE;
// ECS_E_NOT_JSON (syntax); -ENOMEM.
int ecs_read(struct ecs_mapper *m, struct str event, int64_t fetched_ms,
             struct ecs_facts *ret_facts, struct fault *fault) MUST_USE;

// Appends a document (no line end) of the event that ecs_read took last to `out`; as often as one
// likes, in any form. Only after ecs_read gave 0. Outcomes: 0; ECS_E_UNMAPPABLE; -ENOMEM;
// -EMSGSIZE.
int ecs_write(struct ecs_mapper *m, enum ecs_form form, struct buf *out,
              struct fault *fault) MUST_USE;

// ecs_read, and ecs_write of the ECS document. Outcomes: theirs.
int ecs_map(struct ecs_mapper *m, struct str event, int64_t fetched_ms, struct buf *out,
            struct ecs_facts *ret_facts, struct fault *fault) MUST_USE;

#endif
