// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_GOJSON_H
#define ECS_GOJSON_H
// A JSON value as Go's encoding/json (1.22 and newer) writes it after reading it into an
// interface{}: Filebeat's httpjson does this to every event before it becomes `message`.
//
// Names sorted by their bytes, the last of equal ones kept, no blanks; numbers through float64 and
// back as the shortest digits that give the same one (0.00 is 0, 1e21 is 1e+21, integers over 2^53
// lose digits); < > & U+2028 U+2029 and control characters escaped, \b \f \n \r \t in short.

#include "base/error.h"
#include "json/read.h"

enum { ECS_GOJSON_DEPTH_MAX = 10000 }; // Go reads no deeper

// Outcome: Go would refuse the value (a number beyond float64, nested too deep); `fault` says why.
enum { ECS_GOJSON_E_REFUSED = 1 };

struct ecs_gojson_member {
    uint64_t front; // the first bytes of the name, so that they compare as one number
    struct str name;
    const struct json *value;
    size_t place; // in source order
};

// An open array or object.
struct ecs_gojson_frame {
    struct json_iter elements; // array
    size_t first, next, end;   // object: its sorted members
    bool object, begun;
};

// Memory for the way through a value, kept from call to call. Embedded; all zero is empty. One
// thread at a time.
struct ecs_gojson {
    struct ecs_gojson_member *members; // owned; of all open objects, the innermost last
    size_t member_count, member_cap;
    struct ecs_gojson_frame *frames; // owned
    size_t depth, frame_cap;
};

void ecs_gojson_fini(struct ecs_gojson *g);
DEFINE_AUTO_FINI(ecs_gojson)

// Appends the value. Time is n log n in the members of an object, memory linear in the value.
// Failures to append stick in `out`. Outcomes: 0; ECS_GOJSON_E_REFUSED (then, as with the next,
// `out` is to be cut); -ENOMEM.
int ecs_gojson_add(struct ecs_gojson *g, const struct json *v, struct buf *out,
                   struct fault *fault) MUST_USE;

#endif
