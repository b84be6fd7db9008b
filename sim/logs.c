// SPDX-License-Identifier: Apache-2.0
// A page's body is the events' own bytes with commas between them. Faults change which events are
// in it, what an event looks like, or where the link leads; the cursor always stays right for what
// was given.
#include <errno.h>

#include "base/time.h"
#include "sim/logs.h"
#include "json/write.h"

enum { HUGE_BYTES = 30 << 20, DEEP_LEVELS = 100000, URL_MAX = 1 << 20 };
#define FOREIGN_HOST "okta.example.net"

struct making {
    struct query query;
    struct page *page;
    uint32_t repeated[QUERY_LIMIT_MAX]; // ids put before the page's own, by a fault
    size_t n_repeated;
    bool emptied;
    int64_t pad_bytes, pad_levels; // of the last event, by a fault; -1: not
};

static void making_fini(struct making *m) { query_fini(&m->query); }
DEFINE_AUTO_FINI(making)

static size_t at_most(int64_t given, size_t fallback, size_t most) {
    size_t n = given >= 0 ? (size_t)given : fallback;
    return n < most ? n : most;
}

static int read_page(struct call *call, struct making *m, size_t most) {
    struct sim *sim = call->sim;
    struct page_source source = {.store = sim->store,
                                 .reader = sim->reader,
                                 .now_ms = call->now_ms,
                                 .retention_ms = sim->settings.retention_ms};
    int e = page_read(m->page, &source, &m->query, most);
    if (e > 0) return api_error_set(&call->error, CALL_E_REFUSED, API_BAD_AFTER, "after");
    return e;
}

// Puts the last events of the previous page before those of this one, within the limit.
static int repeat_events(struct call *call, struct making *m, const struct fault_rule *rule) {
    const struct page *before = call->sim->page;
    m->n_repeated = at_most(rule->n, 1, before->n);
    m->n_repeated = at_most((int64_t)m->n_repeated, 0, m->query.limit);
    for (size_t i = 0; i < m->n_repeated; i++)
        m->repeated[i] = before->ids[before->n - m->n_repeated + i];
    return read_page(call, m, m->query.limit - m->n_repeated);
}

static uint64_t page_faults_that_fit(const struct call *call, const struct making *m) {
    uint64_t fits = 0;
    if (m->page->n > 1) fits |= FAULT_BIT(FAULT_SHORT_PAGE);
    if (m->page->n > 0) fits |= FAULT_BIT(FAULT_EMPTY_PAGE);
    if (m->query.limit > 0 && call->sim->page->n > 0) fits |= FAULT_BIT(FAULT_DUPLICATE);
    return fits;
}

static int apply_page_fault(struct call *call, struct making *m) {
    const struct fault_rule *rule = call_draw(call, FAULT_PAGE, page_faults_that_fit(call, m));
    if (!rule) return 0;
    if (rule->kind == FAULT_DUPLICATE) return repeat_events(call, m, rule);
    if (rule->kind == FAULT_SHORT_PAGE)
        return read_page(call, m, at_most(rule->n, (m->page->n + 1) / 2, m->page->n - 1));
    m->emptied = true;
    return read_page(call, m, 0);
}

static void choose_event_fault(struct call *call, struct making *m) {
    m->pad_bytes = m->pad_levels = -1;
    const struct fault_rule *rule = call_draw(call, FAULT_EVENT, m->page->n ? FAULTS_ANY : 0);
    if (!rule) return;
    if (rule->kind == FAULT_HUGE_EVENT) m->pad_bytes = rule->n >= 0 ? rule->n : HUGE_BYTES;
    else m->pad_levels = rule->n >= 0 ? rule->n : DEEP_LEVELS;
}

static void add_repeated(struct buf *out, char c, int64_t n) {
    if (!buf_reserve(out, (size_t)n)) return;
    memset(out->p + out->n, c, (size_t)n);
    out->n += (size_t)n;
}

// The event with one more member: a long string, or deeply nested arrays.
static void add_padded(struct buf *out, struct str event, const struct making *m) {
    if (event.n < 2 || event.p[event.n - 1] != '}') {
        buf_add_str(out, event);
        return;
    }
    buf_add(out, event.p, event.n - 1);
    json_key(out, STR("padding"));
    if (m->pad_bytes >= 0) {
        buf_addc(out, '"');
        add_repeated(out, 'x', m->pad_bytes);
        buf_addc(out, '"');
    } else {
        add_repeated(out, '[', m->pad_levels);
        add_repeated(out, ']', m->pad_levels);
    }
    buf_addc(out, '}');
}

static size_t events_bytes(const struct store *store, const struct making *m) {
    size_t n = 2;
    for (size_t i = 0; i < m->n_repeated; i++) n += store_get(store, m->repeated[i])->json.n + 1;
    for (size_t i = 0; i < m->page->n; i++) n += store_get(store, m->page->ids[i])->json.n + 1;
    return n;
}

static void write_events(struct call *call, const struct making *m) {
    struct buf *out = &call->reply->body;
    const struct store *store = call->sim->store;
    if (!buf_reserve(out, events_bytes(store, m))) return;
    buf_addc(out, '[');
    for (size_t i = 0; i < m->n_repeated; i++) {
        buf_add_str(out, store_get(store, m->repeated[i])->json);
        buf_addc(out, ',');
    }
    for (size_t i = 0; i < m->page->n; i++) {
        struct str event = store_get(store, m->page->ids[i])->json;
        bool padded = i + 1 == m->page->n && (m->pad_bytes >= 0 || m->pad_levels >= 0);
        if (padded) add_padded(out, event, m);
        else buf_add_str(out, event);
        buf_addc(out, ',');
    }
    if (out->n > 1) buf_cut(out, out->n - 1);
    buf_addc(out, ']');
    call->note.events = m->n_repeated + m->page->n;
}

// A body of nothing but a page's events is told by their ids, which is cheaper than by its bytes.
static void set_body_key(struct call *call, const struct making *m) {
    bool changed = m->n_repeated || m->pad_bytes >= 0 || m->pad_levels >= 0;
    call->has_body_key = m->page->n && !changed;
    struct str ids = {(const char *)m->page->ids, m->page->n * sizeof m->page->ids[0]};
    if (call->has_body_key) call->body_key = hash128(ids);
}

static void add_base(struct buf *out, const struct call *call, bool other_scheme,
                     const char *other_host) {
    struct str host = request_header(call->request, "host");
    buf_addz(out, call->request->tls != other_scheme ? "https://" : "http://");
    if (other_host) buf_addz(out, other_host);
    else buf_add_str(out, host.n ? host : STR("localhost"));
    buf_add_str(out, call->request->path);
}

static void add_own_query(struct buf *out, const struct call *call) {
    if (!call->request->query.p) return;
    buf_addc(out, '?');
    buf_add_str(out, call->request->query);
}

// A poll that brought nothing keeps its URL; a first one has none with a cursor yet.
static void add_next_query(struct buf *out, const struct call *call, const struct making *m) {
    bool as_asked = m->query.after.p && (m->page->caught_up || m->emptied) && m->query.polling;
    if (as_asked) {
        add_own_query(out, call);
        return;
    }
    buf_addc(out, '?');
    query_add_next(out, &m->query, str_from(m->page->cursor));
}

static int add_links(struct call *call, const struct making *m) {
    AUTO_FINI(buf) struct buf self = buf_make(URL_MAX);
    AUTO_FINI(buf) struct buf next = buf_make(URL_MAX);
    bool has_next = m->page->has_next;
    const struct fault_rule *rule = call_draw(call, FAULT_LINK, has_next ? FAULTS_ANY : 0);
    enum fault_kind kind = rule ? rule->kind : FAULT_KINDS;
    const char *host = NULL;
    if (kind == FAULT_FOREIGN_LINK) host = rule->text[0] ? rule->text : FOREIGN_HOST;
    add_base(&self, call, false, NULL);
    add_own_query(&self, call);
    add_base(&next, call, kind == FAULT_HTTP_LINK, host);
    add_next_query(&next, call, m);
    if (self.error || next.error) return self.error ? self.error : next.error;
    bool show = has_next && kind != FAULT_MISSING_NEXT;
    call_add_links(call, buf_str(&self), show ? buf_str(&next) : STR_NONE);
    return 0;
}

static void count_page(struct call *call, const struct making *m) {
    struct record *record = &call->sim->record;
    record->pages++;
    if (call->note.events == 0) record->empty_pages++;
    record->events += call->note.events;
    if (m->query.after.p && m->query.polling && args_get(&m->query.args, "since").p)
        record->since_with_after++;
}

static int make(struct call *call, struct making *m) {
    struct sim *sim = call->sim;
    m->page = sim->scratch;
    struct str query = call->request->query.p ? call->request->query : STR("");
    int e = query_parse(&m->query, query, call->now_ms, &call->error);
    if (e) return e > 0 ? CALL_E_REFUSED : e;
    e = read_page(call, m, m->query.limit);
    if (!e) e = apply_page_fault(call, m);
    if (e) return e;
    choose_event_fault(call, m);
    write_events(call, m);
    set_body_key(call, m);
    e = add_links(call, m);
    if (e) return e;
    count_page(call, m);
    if (m->page->n == 0) return 0;
    sim->scratch = sim->page;
    sim->page = m->page;
    return 0;
}

int logs_answer(struct call *call) {
    AUTO_FINI(making) struct making m = {.page = NULL};
    int e = make(call, &m);
    return e ? e : call_finish(call);
}
