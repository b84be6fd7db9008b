// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_WHERE_H
#define ELASTIC_WHERE_H
// Which indices stand behind a name (data stream, alias, index), and which documents are in them.
// `create` finds a repeat only in the index that it writes to; when a data stream has rolled over
// since, the earlier ones have to be asked.

#include "elastic/engine.h"

struct elastic_indices {
    char **names; // owned; the last is written to
    size_t n;     // 0: there is nothing of that name yet
    size_t cap;
};
void elastic_indices_fini(struct elastic_indices *i);
DEFINE_AUTO_FINI(elastic_indices)

// May documents be sent to that name? Not to what engines would take for a pattern, for a list or
// for date math, or would refuse (upper case, blanks, over 255 bytes, ...).
bool elastic_name_is_good(struct str name);

// One request (GET /_resolve/index/NAME); two for an alias of indices, four for one of data
// streams (Elasticsearch's). `ret` is replaced. `name` is good.
// Outcomes: 0; -EIO with fault; -EINVAL with fault (an alias without a write index); -EACCES with
// fault (a privilege is missing); -ENOMEM; -ECANCELED.
int elastic_resolve(struct elastic *e, const char *name, struct elastic_indices *ret,
                    struct fault *fault) MUST_USE;

// One document of one index.
struct elastic_place {
    struct str index, id;
};

// Which of these are there: in real time (POST /_mget, no source), ELASTIC_FIND_MAX in one request.
// An index that is closed or gone has nothing. Outcomes: 0; -EIO; -EACCES (`read` is missing),
// -ENOMEM, -ECANCELED.
enum { ELASTIC_FIND_MAX = 2000 };
int elastic_find(struct elastic *e, const struct elastic_place *places, size_t n, bool *ret_found,
                 struct fault *fault) MUST_USE;

// Takes documents out of their indices. Outcomes: 0, none of them is there any more; -EIO; -EACCES
// (`delete` is missing); -ENOMEM; -ECANCELED. Then some may be out.
int elastic_remove(struct elastic *e, const struct elastic_place *places, size_t n,
                   struct fault *fault) MUST_USE;

#endif
