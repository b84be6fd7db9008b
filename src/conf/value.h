// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_VALUE_H
#define CONF_VALUE_H
// One text to one member, by the row's type. Inside the conf room only.

#include "conf/table.h"

// Reads `text` as the row says and writes the member at `member`. `literal` is what may be shown of
// it in a message. Not for lists and tables. Outcomes: 0; CONF_E_WRONG with fault; -ENOMEM.
int conf_value_read(const struct conf_key *key, struct str text, struct str literal,
                    struct arena *a, void *member, struct fault *fault) MUST_USE;

// Appends the member as it would stand in a file, without quotes; false when there is none (NULL).
bool conf_value_write(const struct conf_key *key, const void *member, struct buf *out);

// Appends a NUL-ended URL or host; what stands before an @ is masked.
void conf_add_masked_url(struct str url, struct buf *out);

// Whether a YAML text of that type needs quotes.
bool conf_type_is_text(enum conf_type type);
bool conf_type_is_secret(enum conf_type type);

// "duration", for docs.
const char *conf_type_name(enum conf_type type);

// Whether a word is in a NULL-ended list (NULL: empty); its index in `*ret` (may be NULL).
bool conf_word_find(const char *const *words, struct str word, int *ret);

#endif
