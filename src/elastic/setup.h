// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_SETUP_H
#define ELASTIC_SETUP_H
// What an engine has to be told before documents come: component and index templates with the types
// of Elastic's Okta integration (reference section 4), and how long data is kept. `gatehouse
// setup`.

#include "elastic/engine.h"

enum { ELASTIC_TEMPLATE_VERSION = 1 }; // raised whenever what setup writes changes

// One thing to put: for --export, --dry-run and the real thing.
struct elastic_asset {
    const char *name;   // "index template logs-okta.system"
    const char *method; // "PUT"
    const char *path;   // "/_index_template/..."
    struct str body;    // JSON, for people to read
    bool optional;      // an engine that does not know it is no failure (ISM without its plugin)
};

// All assets for a cluster of that kind, in the order in which they are to be put. `each` borrows;
// non-zero stops. Outcomes: 0; what `each` returned; -ENOMEM.
int elastic_assets(const struct elastic_opts *opts,
                   int (*each)(void *ctx, const struct elastic_asset *asset), void *ctx) MUST_USE;

enum elastic_put {
    ELASTIC_PUT_CREATED,
    ELASTIC_PUT_UPDATED,
    ELASTIC_PUT_SAME,    // there already, in this version
    ELASTIC_PUT_NEWER,   // a newer gatehouse's: left alone
    ELASTIC_PUT_SKIPPED, // the engine does not know such a thing
    ELASTIC_PUT_FAILED,
};
// Idempotent. `say` (may be NULL) is told of each asset; `dry_run` changes nothing and tells what
// would be done. Outcomes: 0; -EIO, -EACCES, -ENOMEM, -ECANCELED with fault (the first that
// failed).
int elastic_setup(struct elastic *e, bool dry_run,
                  void (*say)(void *ctx, const struct elastic_asset *asset, enum elastic_put what,
                              const char *text),
                  void *ctx, struct fault *fault) MUST_USE;

// For the sink, before the first document goes to a name that is not there yet (opts.template, not
// opts.raw): does the template that would count for it know our fields (ours, a user's, Elastic's
// integration's)? Else puts ours, which win over Elastic's built-in `logs` and lose against the
// others; where one of those knows nothing of our fields, `notice` says so. Who may not look is
// taken for one whose administrator has run `setup`. Outcomes as elastic_setup; the fault of
// -EACCES names the privilege, and what else to do.
int elastic_ensure_template(struct elastic *e, const char *data_stream, struct fault *notice,
                            struct fault *fault) MUST_USE;

// `test output`: connection, version, privileges, template, and a probe document that is written
// and deleted again. `names`: the indices or data streams that documents go to, at least one; NULL
// among them: that depends on the document (opts.index). `say` is told of each step.
// Outcomes: 0 all good; -EIO; -ENOMEM; -ECANCELED.
int elastic_test(struct elastic *e, const char *const *names, size_t n,
                 void (*say)(void *ctx, bool good, const char *step, const char *text),
                 void *ctx) MUST_USE;

#endif
