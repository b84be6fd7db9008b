// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_PATTERN_H
#define SINK_PATTERN_H
// Names that depend on the document, as Beats' format strings: "logs-%{[data_stream.dataset]}",
// "%{[event.action]:none}" (default behind a colon), "%{+yyyy.MM.dd}" (of @timestamp, UTC).

#include "sink/sink.h"

struct pattern;

// Outcomes: 0; -ENOMEM; -EINVAL with fault (what and where in the text).
int pattern_new(struct pattern **ret, const char *text, struct fault *fault) MUST_USE;
struct pattern *pattern_free(struct pattern *p);
DEFINE_AUTO_FREE(pattern)

bool pattern_is_constant(const struct pattern *p); // no % in it
bool pattern_has_date(const struct pattern *p);

// Appends the name for that document. What sink_doc tells (data_stream.dataset, .namespace,
// event.id, okta.event_type, ...) costs no reading of the JSON. Outcomes: 0; -ENOENT with fault (a
// field that the document lacks, without a default); -ENOMEM.
int pattern_expand(struct pattern *p, const struct sink_doc *doc, struct buf *out,
                   struct fault *fault) MUST_USE;

#endif
