// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_TEMPLATE_INTERNAL_H
#define ELASTIC_TEMPLATE_INTERNAL_H
// How the templates come about: mappings from the tables of fields, and the assets from those.

#include "base/buf.h"
#include "elastic/fields-internal.h"
#include "elastic/setup.h"

// What the engine's mappings can say.
enum elastic_dialect {
    DIALECT_ELASTIC, // Elasticsearch as Elastic ships it
    DIALECT_BARE,    // its server without modules: no match_only_text, constant_keyword, wildcard
    DIALECT_OPENSEARCH, // no flattened, no subobjects, no ignore_malformed for booleans
    DIALECTS,
};

static inline enum elastic_dialect elastic_dialect_of(const struct elastic_opts *opts) {
    return opts->kind == ELASTIC_OPENSEARCH ? DIALECT_OPENSEARCH : DIALECT_ELASTIC;
}

// template.c. Appends the members of "properties", without its braces.
void elastic_properties_write(struct buf *out, const struct elastic_fields *fields,
                              enum elastic_dialect dialect);
// Appends "dynamic_templates" and "date_detection": what becomes of members that no table knows.
void elastic_dynamic_write(struct buf *out, enum elastic_dialect dialect);

// pretty.c. Appends `json` (valid, compact) with line breaks and two blanks per level; what fits in
// a line stays in one.
void elastic_pretty(struct buf *out, struct str json);

// assets.c. As elastic_assets, in a dialect.
int elastic_assets_in(const struct elastic_opts *opts, enum elastic_dialect dialect,
                      int (*each)(void *ctx, const struct elastic_asset *asset),
                      void *ctx) MUST_USE;
// What stands in front of the first field or date of opts.index: "okta-" of "okta-%{+yyyy.MM}";
// absent where documents go to the default data streams.
struct str elastic_index_prefix(const struct elastic_opts *opts);
bool elastic_index_is_constant(const struct elastic_opts *opts);
// Is a name of opts.index the same for all documents of a data stream (constant, data_stream.*)?
bool elastic_index_is_of_streams(const struct elastic_opts *opts);
// Does opts.index make names of data streams (logs-DATASET-NAMESPACE, no date)?
bool elastic_index_is_stream(const struct elastic_opts *opts);
// The priority of the index templates that setup puts.
int elastic_priority(const struct elastic_opts *opts);

// setup.c. What this engine's mappings can say, asked in a way that changes nothing. Outcomes: 0;
// -EIO, -ENOMEM, -ECANCELED with fault.
int elastic_dialect_find(struct elastic *e, enum elastic_dialect *ret,
                         struct fault *fault) MUST_USE;

// ensure.c. Does the template that counts for an index of that name know our fields?
enum elastic_knowledge {
    ELASTIC_KNOWS_NONE, // no template at all
    ELASTIC_KNOWS_SOME, // one that knows nothing of our documents, such as Elastic's own `logs`
    ELASTIC_KNOWS_OURS,
};
// The field by which that is seen in the mapping of an index: "okta", "gatehouse".
const char *elastic_mark_of(const char *index);
// Outcomes: 0; -EACCES, -EIO, -ENOMEM, -ECANCELED with fault.
int elastic_template_look(struct elastic *e, const char *index, enum elastic_knowledge *ret,
                          struct fault *fault) MUST_USE;
// Would ours count for an index of that name, once it is put there? Asked in a way that changes
// nothing. Outcomes as above.
int elastic_template_try(struct elastic *e, const char *index, bool *ret_counts,
                         struct fault *fault) MUST_USE;
// What is said of the index template where it would not.
extern const char elastic_overruled[];

// Adds what an administrator has to do to a fault of -EACCES, which it returns.
int elastic_template_say(struct fault *fault);

// lifecycle.c.
// {"enabled":true,"data_retention":"90d"} of an Elasticsearch template.
void elastic_lifecycle_write(struct buf *out, int64_t retention_ms);
// The members of an ISM policy behind its description: states and the patterns that it is for.
void elastic_policy_write(struct buf *out, int64_t retention_ms, bool stream,
                          const char *const *patterns, size_t n, int priority);

#endif
