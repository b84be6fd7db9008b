// SPDX-License-Identifier: Apache-2.0
// One hash, one displacement, one comparison.
#include "ecs/types-internal.h"

#include "base/hash.h"

const struct ecs_type *ecs_type_find(struct str event_type) {
    uint64_t h = hash64(event_type, 0);
    uint64_t moved = (h >> 32) + 31u * (uint64_t)ecs_type_displacement[h % ECS_TYPE_BUCKETS];
    uint16_t row = ecs_type_slots[moved % ECS_TYPE_SLOTS];
    if (row == ECS_TYPE_NO_SLOT) return NULL;
    const struct ecs_type *t = &ecs_types[row];
    return str_eq(ecs_type_name(t), event_type) ? t : NULL;
}
