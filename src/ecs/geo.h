// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_GEO_H
#define ECS_GEO_H
// source.geo.* and source.as.* from MaxMind databases that the user names. Immutable after it is
// made, so any thread may use it. This room is the only includer of maxminddb.h and pcre2.h.

#include "base/error.h"

struct ecs_geo;

// Either path may be NULL, not both. Outcomes: 0; -ENOMEM; -EINVAL with fault (which file, why).
int ecs_geo_new(struct ecs_geo **ret, const char *city_mmdb, const char *asn_mmdb,
                struct fault *fault) MUST_USE;
struct ecs_geo *ecs_geo_free(struct ecs_geo *g);
DEFINE_AUTO_FREE(ecs_geo)

#endif
