// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_MAPPER_INTERNAL_H
#define ECS_MAPPER_INTERNAL_H
// What the parts of the mapper share while one event is mapped.

#include "ecs/copy-internal.h"
#include "ecs/event-internal.h"
#include "ecs/gojson.h"
#include "ecs/map.h"
#include "ecs/types-internal.h"

enum { ECS_LABELS_MAX = 256 };

// The form in which Okta wrote debugData.risk.
enum ecs_risk_form {
    RISK_AS_IS,  // not a text of the form {level=..., reasons=...}: copied
    RISK_PAIRS,  // every piece has a `=`: becomes an object
    RISK_COMMAS, // reasons with commas: level and reasons are found by their names
};

// What is found out about debugData before it is written.
struct ecs_debug {
    const struct json *log_only; // logOnlySecurityData, parsed if it was a text
    bool log_only_was_text;      // then log_only is what stood in it
    struct str behaviors;        // the pairs of a text; absent when it is none
    struct str risk;             // the text without braces; absent when it is none
    enum ecs_risk_form risk_form;
    struct str text_level, text_reasons; // RISK_COMMAS
    struct str level, reasons;           // risk_level and risk_reasons; absent: none
    bool bad_tunnels;
};

struct ecs_mapper {
    // Of the options.
    struct buf tags;      // the source's tags, quoted, each with a comma
    struct buf host;      // "host":{...}, or nothing
    struct buf collected; // "agent":{...},"data_stream":{...},
    struct buf raw_end;   // what a raw document ends with
    bool keep_original, remove_flattened_debug, event_type_tags;
    bool label_is_tag[ECS_LABELS_MAX]; // Okta's label is among the source's tags already
    struct ecs_useragents *useragents;
    const struct ecs_geo *geo;

    // Of the event that is being mapped.
    struct json_reader *reader, *log_only_reader, *inner_reader;
    struct ecs_gojson gojson;
    struct buf message; // the event as Go would write it
    struct ecs_event_index index;
    struct ecs_event event;
    struct ecs_debug debug;
    struct ecs_facts facts;
    const struct json *root;
    struct str original, text; // as it came, and without a byte order mark
    int64_t fetched_ms;
    const struct ecs_type *type;     // NULL: an event type that nobody knows
    struct str address;              // of the client; absent when there is no valid one
    const struct json *user, *group; // the first target that is a user / a user group
    struct ecs_mark person;          // where the actor stands in the output; all 0: not yet
};

// Is it an IPv4 or IPv6 address (with a zone or without)?
bool ecs_is_address(struct str text);

// Does `text` look like an e-mail address to Elastic's pipeline (an @ that is not the first byte)?
bool ecs_is_email(struct str text);

// Writes all members of the document.
void ecs_document_write(struct ecs_copy *c);

// Notes what is the same in every raw document; failures stick in m->raw_end.
void ecs_raw_init(struct ecs_mapper *m, const struct ecs_opts *opts);
// Appends the raw document; `go`: with `message` as Go would write it. Failures to append stick in
// `out`. Outcomes: 0; ECS_E_UNMAPPABLE (what Go cannot hold; fault says it); -ENOMEM; -EMSGSIZE.
int ecs_raw_write(struct ecs_mapper *m, bool go, struct buf *out, struct fault *fault) MUST_USE;

// Finds out what the debug data say. Outcomes: 0; -ENOMEM.
int ecs_debug_prepare(struct ecs_mapper *m) MUST_USE;
// okta.debug_context and, when a text could not be parsed, nothing of it elsewhere.
void ecs_debug_write(struct ecs_copy *c);

// Finds m->user and m->group.
void ecs_targets_prepare(struct ecs_mapper *m);
// okta.target.
void ecs_targets_write(struct ecs_copy *c);
// The members of user.target.
void ecs_user_target_write(struct ecs_copy *c);
// okta.request.ip_chain.
void ecs_ip_chain_write(struct ecs_copy *c);

// source.geo / source.as of an address, each with its name and a comma. False: not known.
bool ecs_geo_write_place(const struct ecs_geo *g, struct str address, struct buf *out);
bool ecs_geo_write_network(const struct ecs_geo *g, struct str address, struct buf *out);

// The members of user_agent but `original`, each with a comma. Outcomes: 0; -ENOMEM.
int ecs_useragents_write(struct ecs_useragents *u, struct str text, struct buf *out) MUST_USE;

#endif
