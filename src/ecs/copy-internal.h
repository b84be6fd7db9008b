// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_COPY_INTERNAL_H
#define ECS_COPY_INTERNAL_H
// Writing values of the event into the document. Every member and element is followed by a comma;
// closing an object takes the last one away, and an object in which nothing was written disappears.
//
// Null, empty text, empty objects and empty lists are left out, at every level.

#include "base/buf.h"
#include "json/read.h"

struct ecs_mapper;

enum {
    // Names get an underscore for every blank and dash (remove_flattened_debug).
    COPY_FOLD = 1,
    // Values of a text that was JSON inside: Elastic cleans before it parses, so that empty texts
    // and objects survive there. Nulls and empty lists are left out all the same.
    COPY_INNER = 2,
};

struct ecs_copy {
    struct buf *out;
    struct ecs_mapper *mapper; // for the writers of ecs_rename
    unsigned flags;
    int error; // the first of -ENOMEM, -ELOOP; later calls do nothing
};

// A member that gets another name or another value. The writer appends the value and a comma, or
// nothing, and then the member disappears; NULL: the value is copied.
struct ecs_rename {
    struct str from, to;
    void (*write)(struct ecs_copy *c, const struct json *v);
};

#define RENAME(from, to, write)                                                                    \
    { {from, sizeof(from) - 1}, {to, sizeof(to) - 1}, write }

struct ecs_renames {
    const struct ecs_rename *rows;
    size_t count;
    uint64_t lengths; // bit n: some row's `from` or `to` has n bytes
};

#define NAME_LENGTH(literal) ((uint64_t)1 << (sizeof(literal) - 1))

// A place in the output to which an empty object is cut back.
struct ecs_mark {
    size_t before, behind;
};

// Appends `name` (with quotes and colon, or nothing) and the bracket.
struct ecs_mark ecs_open(struct buf *out, struct str name, char bracket);

// Closes with the bracket and a comma, or cuts back when nothing was written. True: it stayed.
bool ecs_close(struct buf *out, struct ecs_mark mark, char bracket);

// A value and a comma, cleaned; nothing when it is empty.
void ecs_copy_value(struct ecs_copy *c, const struct json *v);

// `before` (a name with its colon), the value and a comma; nothing at all when the value is empty.
void ecs_copy_named(struct ecs_copy *c, struct str before, const struct json *v);
// The value as the one member of an object; `before` is its name as above.
void ecs_copy_wrapped(struct ecs_copy *c, struct str before, const struct json *v);
// Whether it is an object, or a list of nothing but objects.
bool ecs_is_of_objects(const struct json *v);

// The members of an object, each with a comma; nothing for other values. A member that bears the
// new name of another one gives way to it.
void ecs_copy_members(struct ecs_copy *c, const struct json *object,
                      const struct ecs_renames *renames);

// Both brackets, the members, and a comma.
void ecs_copy_object(struct ecs_copy *c, const struct json *object,
                     const struct ecs_renames *renames);

// The members of an object, each value as `write` makes it (a comma behind it, or nothing).
void ecs_copy_each(struct ecs_copy *c, const struct json *object,
                   void (*write)(struct ecs_copy *c, const struct json *v));

// Appends the quoted, escaped name of a member and its colon, folded if the flags say so.
void ecs_copy_name(struct ecs_copy *c, struct str name);

// For names below okta.debug_context.debug_data: blank and dash become an underscore.
extern const unsigned char ecs_fold[256];

// A scalar as text: a string, the digits of a number, true or false. Absent for anything else and
// for the empty string.
struct str ecs_text(const struct json *v);

// A list in which no element is an object or a list.
bool ecs_is_plain_list(const struct json *v);

#endif
