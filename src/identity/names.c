// SPDX-License-Identifier: Apache-2.0
#include "identity/names.h"

#include "identity/fold.h"

enum { LIST_MAX_BYTES = 64 << 20 };

int names_fold(struct list names, struct buf *out) {
    AUTO_FINI(buf) struct buf folded = buf_make(LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf one = buf_make(LIST_MAX_BYTES);
    struct str rest = names.packed, name;
    while (list_next(&rest, &name)) {
        buf_reset(&one);
        fold_text(&one, str_trim(name));
        if (one.error) return one.error;
        list_add(&folded, buf_str(&one));
    }
    return folded.error ? folded.error : list_union(out, list_of(&folded), (struct list){STR_NONE});
}
