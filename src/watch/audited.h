// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_AUDITED_H
#define WATCH_AUDITED_H
// What a ready-made document of the gate (docs/audit.md) says of itself: what sinks want to know
// beside the document. One thread at a time.

#include "ecs/map.h"

struct audited;

int audited_new(struct audited **ret) MUST_USE; // outcomes: 0; -ENOMEM
struct audited *audited_free(struct audited *a);
DEFINE_AUTO_FREE(audited)

// Outcome of audited_facts: not a document of the gate; `fault` says why.
enum { AUDITED_E_FOREIGN = 1 };
// uuid: event.id; published: @timestamp; event_type: event.action; outcome: event.outcome; actor:
// user.name, else user.id. Borrowed until the next call. Outcomes: 0; AUDITED_E_FOREIGN; -ENOMEM.
int audited_facts(struct audited *a, struct str document, struct ecs_facts *ret,
                  struct fault *fault) MUST_USE;

// data_stream.dataset and .namespace of the document that audited_facts took last; what it does not
// say is the gate's own, "default". Borrowed likewise.
struct audited_stream {
    struct str dataset, name_space;
};
struct audited_stream audited_stream(const struct audited *a);

#endif
