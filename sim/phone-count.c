// SPDX-License-Identifier: Apache-2.0
#include "sim/phone-count.h"

enum { NAME_MAX_BYTES = 64 << 10 };

static struct phone_count *place_of(struct phone *phone, enum record_endpoint endpoint) {
    switch ((int)endpoint) {
    case RECORD_VERIFY: return &phone->verify;
    case RECORD_POLL: return &phone->polls;
    case RECORD_CANCEL: return &phone->cancels;
    default: return NULL;
    }
}

void phone_count(struct call *call) {
    AUTO_FINI(buf) struct buf name = buf_make(NAME_MAX_BYTES);
    enum record_endpoint endpoint = call->note.counted_as;
    bool counts = endpoint >= RECORD_VERIFY && endpoint <= RECORD_CANCEL;
    if (!counts) return;
    call_add_segment(&name, call, 0);
    struct user *user = users_find(call->sim->users, buf_str(&name));
    struct phone_count *count = user ? place_of(&user->phone, endpoint) : NULL;
    if (!count) return;
    count->asked++;
    if (call->reply->status >= 400) count->refused++;
}
