// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_FIELDS_INTERNAL_H
#define ELASTIC_FIELDS_INTERNAL_H
// Every field that a document may have, with its type: those of ECS as Elastic's own component
// template declares them, okta.* as the Okta integration does (reference section 4), and the gate's
// own. The templates are made from these tables.

#include <stddef.h>

// What an engine calls them, and which of their refusals are turned off, is in template.c.
enum elastic_type {
    FIELD_KEYWORD,
    FIELD_NAMED,          // keyword with full text in NAME.text
    FIELD_TEXT,           // full text
    FIELD_ORIGINAL,       // kept, never searched
    FIELD_WILDCARD,       // keyword for long paths
    FIELD_WILDCARD_NAMED, // with full text in NAME.text
    FIELD_TIMESTAMP,      // the one that a data stream is ordered by
    FIELD_DATE,
    FIELD_LONG,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
    FIELD_IP,
    FIELD_POINT,
    FIELD_FLATTENED, // an object whose members are keywords without being fields
    FIELD_OBJECT,    // members as they come
    FIELD_LOOSE,     // a text or an object
    FIELD_OPEN,      // anything
    FIELD_FREE,      // an object in which a member may be a text once and an object another time
    FIELD_CONSTANT,  // the same in all documents of a data stream
    FIELD_TYPES,
};

struct elastic_field {
    const char *name; // dotted
    enum elastic_type type;
    const char *value; // of a constant; NULL: what the first document says
};

// Sorted by name (bytes), so that what is below a name follows it.
struct elastic_fields {
    const struct elastic_field *rows;
    size_t n;
};

extern const struct elastic_fields elastic_ecs_fields, elastic_okta_fields, elastic_gate_fields;
// What tells a data stream: constants in the streams of their own, keywords where a user's index
// holds all kinds of documents.
extern const struct elastic_fields elastic_okta_stream, elastic_gate_stream, elastic_any_stream;

#endif
