// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H
// `${VARIABLE}`, `${VARIABLE:default}`, `${VARIABLE:?what to say when it is not set}` and
// `${file:/path}` inside a value. What comes in is text: it is neither read as YAML nor searched
// for `${` again. `$${` stands for `${` itself.

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "conf/errors.h"

enum { CONF_VALUE_MAX = 64 * 1024 };

// The world that settings are read in, so that tests and fuzzers can bring their own.
struct conf_env {
    // Value of an environment variable, borrowed; NULL when it is not set.
    const char *(*variable)(void *ctx, const char *name);
    // Appends a file's content. Outcomes: 0; -errno (-EMSGSIZE: more than `into` may hold).
    int (*file)(void *ctx, const char *path, struct buf *into);
    // Whether the file can be opened for reading. Outcomes: 0; -errno.
    int (*readable)(void *ctx, const char *path);
    void *ctx;
};

// The process's environment and the file system.
extern const struct conf_env conf_env_system;

// Whether conf_expand would change anything.
bool conf_has_reference(struct str text);

// Appends `text` with the references replaced; one line end at a file's end is left out. `out`
// should have CONF_VALUE_MAX as its maximum. Outcomes: 0; CONF_E_WRONG with fault (which
// reference, why; never what it stands for); -ENOMEM.
int conf_expand(struct str text, const struct conf_env *env, struct buf *out,
                struct fault *fault) MUST_USE;

#endif
