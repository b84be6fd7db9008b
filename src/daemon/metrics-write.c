// SPDX-License-Identifier: Apache-2.0
// The rows over the views, as Prometheus's text.
#include "daemon/metrics-internal.h"

enum { MS_PER_S = 1000 };

// False: there is nothing to tell.
static bool number_of(const struct metrics_row *row, const char *view, int64_t *ret_i,
                      double *ret_d) {
    const char *at = view + row->at;
    bool flag = false;
    *ret_i = 0;
    if (row->form == AS_FLAG) memcpy(&flag, at, sizeof flag);
    else if (row->form == AS_SHARE) memcpy(ret_d, at, sizeof *ret_d);
    else memcpy(ret_i, at, sizeof *ret_i);
    if (row->form == AS_FLAG) *ret_i = flag;
    if (row->form == AS_KNOWN || row->form == AS_KNOWN_SECONDS) return *ret_i >= 0;
    return row->form != AS_INSTANT || *ret_i > 0;
}

static bool is_seconds(enum metrics_form form) {
    return form == AS_SECONDS || form == AS_KNOWN_SECONDS || form == AS_INSTANT;
}

size_t metrics_label_count(enum metrics_kind kind) {
    size_t n = 0;
    while (n < METRICS_LABELS && metrics_label_names[kind][n]) n++;
    return n;
}

static void write_sample(struct metrics_text *t, const struct metrics_row *row, const char *view) {
    struct metrics_labels values;
    struct metrics_label labels[METRICS_LABELS];
    int64_t i;
    double d = 0;
    if (!number_of(row, view, &i, &d)) return;
    memcpy(&values, view, sizeof values);
    size_t n = metrics_label_count(row->kind);
    for (size_t l = 0; l < n; l++)
        labels[l] = (struct metrics_label){metrics_label_names[row->kind][l], values.value[l]};
    if (is_seconds(row->form)) metrics_sample_double(t, labels, n, (double)i / MS_PER_S);
    else if (row->form == AS_SHARE) metrics_sample_double(t, labels, n, d);
    else metrics_sample_i64(t, labels, n, i);
}

static int write_rows(struct buf *out, const struct metrics_views views[METRICS_KINDS]) {
    struct metrics_text t = metrics_begin(out);
    for (size_t i = 0; i < metrics_row_count; i++) {
        const struct metrics_row *row = &metrics_rows[i];
        const struct metrics_views *of = &views[row->kind];
        if (of->n > 0) metrics_family(&t, &row->family);
        for (size_t v = 0; v < of->n; v++) write_sample(&t, row, of->v + v * of->bytes);
    }
    return metrics_end(&t);
}

int metrics_write(struct buf *out, const struct metrics_world *w) {
    struct metrics_views views[METRICS_KINDS] = {{.v = NULL}};
    int e = metrics_look(views, w);
    if (!e) e = write_rows(out, views);
    for (size_t i = 0; i < METRICS_KINDS; i++) free(views[i].v);
    return e;
}
