// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H
// Letters from any thread to the loop: read there in the order in which they came, some in each
// turn, so that many at once do not hold up everything else. A letter is part of what it is about,
// so that posting one cannot fail.

#include <stdbool.h>

#include "base/mem.h"

struct loop;
struct mailbox;

struct letter {
    void (*read)(struct letter *l); // on the loop; the letter is out of the box then
    void (*drop)(struct letter *l); // instead, when the box goes; NULL: nothing
    struct letter *prev, *next;     // the box's
    bool posted;                    // the box's: it is in it
};

// Loop thread. Outcomes: 0; -errno.
int mailbox_new(struct mailbox **ret, struct loop *loop) MUST_USE;
// Drops what is in it. Loop thread, when nobody posts any more. NULL-safe; returns NULL.
struct mailbox *mailbox_free(struct mailbox *m);
DEFINE_AUTO_FREE(mailbox)

// Any thread. A letter that is in the box already stays where it is.
void mailbox_post(struct mailbox *m, struct letter *l);
// Takes a letter back if it is in the box. Any thread.
void mailbox_take_back(struct mailbox *m, struct letter *l);
// Reads everything that is in it now. Loop thread.
void mailbox_read_all(struct mailbox *m);

#endif
