// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_CREDENTIALS_H
#define DAEMON_CREDENTIALS_H
// The private keys that the settings name, read through the world that settings are read in. Any
// thread.

#include "conf/expand.h"
#include "crypto/key.h"

struct settings_source;

// The app's private key, from jwk_json, jwk_file or key_pem, whichever is set. A jwk_file may hold
// a PEM, too. `*ret_key` names the setting it came from. Outcomes: 0 (NULL when none is set);
// -EINVAL with fault (never with a part of the key); -ENOMEM.
int credentials_app_key(struct crypto_key **ret, const struct settings_source *source,
                        const struct conf_env *env, const char **ret_setting,
                        struct fault *fault) MUST_USE;

// The key of dpop_key_pem. Outcomes as above.
int credentials_dpop_key(struct crypto_key **ret, const struct settings_source *source,
                         struct fault *fault) MUST_USE;

#endif
