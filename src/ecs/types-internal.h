// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_TYPES_INTERNAL_H
#define ECS_TYPES_INTERNAL_H
// The table of Okta's event types: what event.category, event.type and tags an event type gets.
// Made at build time from event_types.tsv and first_stage.tsv by tools/gen_event_types.py.

#include <stdint.h>

#include "base/str.h"

enum { ECS_TYPE_BUCKETS = 512, ECS_TYPE_SLOTS = 2048, ECS_TYPE_NO_SLOT = 0xFFFF };

struct ecs_type {
    uint16_t name_at;   // in ecs_type_names
    uint16_t labels_at; // in ecs_type_labels
    uint8_t name_n;
    uint8_t category; // in ecs_type_categories
    uint8_t kinds;    // in ecs_type_kinds
    uint8_t label_count;
};

extern const size_t ecs_type_count, ecs_label_count;
extern const char ecs_type_names[];
extern const struct ecs_type ecs_types[];
extern const uint8_t ecs_type_labels[]; // indices into ecs_labels
extern const uint16_t ecs_type_displacement[ECS_TYPE_BUCKETS];
extern const uint16_t ecs_type_slots[ECS_TYPE_SLOTS];
// JSON lists with a comma behind; empty text for an empty list.
extern const struct str ecs_type_categories[], ecs_type_kinds[];
extern const struct str ecs_labels[]; // Okta's labels

// The row of an event type; NULL when nobody knows it. Static.
const struct ecs_type *ecs_type_find(struct str event_type);

static inline struct str ecs_type_name(const struct ecs_type *t) {
    return (struct str){ecs_type_names + t->name_at, t->name_n};
}

#endif
