// SPDX-License-Identifier: Apache-2.0
#ifndef CONF_TABLE_H
#define CONF_TABLE_H
// Settings as data: one row per key. The rows load a tree into a struct, check it, take `--set`,
// print the result, and write the reference page and the man page. A new key is one new row.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/errors.h"
#include "conf/expand.h"
#include "conf/node.h"

// What a row's member is, at offset `at` of its struct.
enum conf_type {
    CONF_STRING,       // const char *
    CONF_SECRET,       // const char *; never shown
    CONF_SECRET_LINES, // the same, and may have blanks and line ends: PEM, JSON
    CONF_PATH,         // const char *
    CONF_URL,      // const char *; `words` are the schemes; what stands before an @ is never shown
    CONF_INT,      // int64_t
    CONF_NUMBER,   // double
    CONF_BOOL,     // bool
    CONF_DURATION, // int64_t, milliseconds
    CONF_BYTES,    // int64_t
    CONF_MODE,     // uint32_t
    CONF_ENUM,     // int: index into `words`; -1 when nothing was set and there is no default
    CONF_STRINGS,  // struct conf_strings
    CONF_PAIRS,    // struct conf_strings: "name=value" for each key of a table with names of one's
                   // own; the values may be secret, and are never shown
    CONF_TABLE,    // the sub-table's struct itself
    CONF_TABLES,   // struct conf_tables
    CONF_ANYTHING, // nothing: only for keys that are not supported yet
};

struct conf_strings {
    const char *const *v;
    size_t n;
};

// A struct of one's own with the same two members, `struct thing *v; size_t n`, may stand for it.
struct conf_tables {
    void *v;
    size_t n;
};

enum conf_flags {
    CONF_REQUIRED = 1,   // a missing key is an error (with `only`: where it applies)
    CONF_READABLE = 2,   // the file, or each file of the list, must be there (not the default)
    CONF_NOT_YET = 4,    // known, and refused with `instead`; a bool may be set to false
    CONF_FIRST_SAYS = 8, // a table that is as good as absent while its first key is not set
    CONF_HOSTS = 16,     // texts of a list that may be URLs: what stands before an @ is never shown
};

struct conf_key {
    const char *name;
    enum conf_type type;
    unsigned flags; // of enum conf_flags
    size_t at;
    const char *initial;      // default, as it would stand in a file; lists: a,b. NULL: zero
    const char *initial_says; // what the docs say of a default that is computed elsewhere
    double min, max;          // numbers, durations (ms), bytes; number of elements of lists.
                              // max 0: no bounds
    const char *const *words; // NULL-ended
    const char *only;         // blank-separated words of table->kind that the key belongs to
    const char *example;      // for messages and docs
    const char *instead;      // CONF_NOT_YET: what a person can do about it
    const struct conf_table *table;
    const char *description; // for docs: whole sentences, `code` in backticks
};

struct conf_load;

struct conf_table {
    const char *name; // "source": what one of it is called
    const struct conf_key *keys;
    size_t n;
    size_t bytes;            // of the struct
    const char *kind;        // name of the enum key that decides about `only`; NULL: none
    const char *description; // for docs; may be NULL
    // Rules over several keys, called after the rows, also when there were errors. `map` is NULL
    // when the table is not in the file. Outcomes: 0 (errors are in load->errors); -ENOMEM.
    int (*check)(struct conf_load *load, void *object, const struct conf_node *map);
};

struct conf_load {
    struct arena *arena; // holds what the struct points to
    const struct conf_env *env;
    struct conf_errors *errors;
    const struct conf_table *root;  // for "belongs to"; may be NULL
    bool partial;                   // required keys may be missing
    const struct conf_node *secret; // out: a secret that stands literally in the file; NULL: none
};

// Fills `object` (table->bytes, any content) from `map` (NULL: defaults only). All errors go to
// load->errors; where there are some, members may be unset (NULL, 0).
// Outcomes: 0, errors or not; -ENOMEM.
int conf_load(struct conf_load *load, const struct conf_table *table, const struct conf_node *map,
              void *object) MUST_USE;

// Puts KEY=VALUE into the tree, as if it stood there: dotted keys, lists by comma, elements of
// lists by index (the next free one makes a new element) or by the value of their `name`. What is
// wrong goes to `errors` with "--set KEY" as its place. Outcomes: 0, errors or not; -ENOMEM.
int conf_override(struct arena *a, const struct conf_table *table, struct conf_node *map,
                  const char *assignment, struct conf_errors *errors) MUST_USE;

// The row of that name; NULL when there is none.
const struct conf_key *conf_table_find(const struct conf_table *table, struct str name);

// The word that decides about `only` in a loaded struct; NULL when there is none.
const char *conf_table_kind(const struct conf_table *table, const void *object);

// Whether the key belongs to tables of that kind (NULL: not known, then it may).
bool conf_key_is_for(const struct conf_key *key, const char *kind);

// Whether two loaded structs say the same: by value, not by address.
bool conf_same(const struct conf_table *table, const void *a, const void *b);

// Adds an error for `key` of `map`, at its value where it is set and else at the table. For checks.
// `map` may be NULL.
void conf_wrong(struct conf_load *load, const struct conf_node *map, const char *key,
                const char *format, ...) PRINTF_LIKE(4, 5);

// Adds the error for a key that the table does not know, with the nearest one that it knows.
// `root`: where else to look; may be NULL.
void conf_unknown_key(struct conf_errors *errors, struct conf_place place, struct str path,
                      struct str name, const struct conf_table *table,
                      const struct conf_table *root);

// Appends what the row expects: "a whole number from 1 to 1000".
void conf_expected(const struct conf_key *key, struct buf *out);

// Appends milliseconds as settings write them: "90d", "1500ms".
void conf_add_duration(struct buf *out, int64_t ms);

// Appends the settings as YAML that loads again, secrets as "********".
void conf_write_yaml(const struct conf_table *table, const void *object, struct buf *out);

// Appends the reference of all keys: GitHub Markdown; sections of a man page.
void conf_write_markdown(const struct conf_table *table, struct buf *out);
void conf_write_man(const struct conf_table *table, struct buf *out);

#endif
