// SPDX-License-Identifier: Apache-2.0
// What is shown was chosen in part by who asks, so nothing of it reaches the terminal that could
// move its cursor.
#include "sim/terminal.h"

#include <errno.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/time.h"

enum { LINE_MAX_BYTES = 4096, NUMBER_MAX = 99 };

struct terminal {
    struct sim *sim;
    int in;
    FILE *out;
    uint32_t shown; // number of the push; 0: none
    struct buf line;
};

int terminal_new(struct terminal **ret, struct sim *sim, int in, FILE *out) {
    struct terminal *t = mem_new(sizeof *t);
    if (!t) return -ENOMEM;
    *t = (struct terminal){.sim = sim, .in = in, .out = out, .line = buf_make(LINE_MAX_BYTES)};
    *ret = t;
    return 0;
}

struct terminal *terminal_free(struct terminal *t) {
    if (!t) return NULL;
    buf_fini(&t->line);
    free(t);
    return NULL;
}

// ---- showing

static void print_safe(const struct terminal *t, const char *name, const char *text) {
    fprintf(t->out, "  %-10s", name);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fputc(c < 0x20 || c >= 0x7F ? '?' : c, t->out);
    }
    fputc('\n', t->out);
}

static void print_if_told(const struct terminal *t, const char *name, const char *text) {
    if (*text) print_safe(t, name, text);
}

static void print_question(const struct terminal *t, const struct push *push) {
    if (push->correct == PUSH_NO_NUMBER) fputs("  [a]pprove, [d]eny? ", t->out);
    else
        fprintf(t->out, "  tap %d, %d or %d, or [d]eny? ", push->choices[0], push->choices[1],
                push->choices[2]);
    fflush(t->out);
}

static void print_push(const struct terminal *t, const struct push *push) {
    char at[TIME_RFC3339_MAX];
    const char *from = push->texts[PUSH_FORWARDED];
    time_format_rfc3339(push->asked_ms, at);
    fputs("\nDid you just try to sign in?\n", t->out);
    print_safe(t, "person", push->texts[PUSH_LOGIN]);
    print_if_told(t, "phone", push->texts[PUSH_DEVICE]);
    print_if_told(t, "asked by", push->texts[PUSH_AGENT]);
    print_if_told(t, "from", *from ? from : push->texts[PUSH_ADDRESS]);
    print_safe(t, "at", at);
    print_question(t, push);
}

void terminal_look(struct terminal *t) {
    const struct push *shown = pushes_by_number(&t->sim->pushes, t->shown);
    if (shown && shown->state == PUSH_WAITING) return;
    if (shown) fprintf(t->out, "\n  %s\n", push_state_name(shown->state));
    const struct push *next = pushes_oldest(&t->sim->pushes, NULL);
    t->shown = next ? next->number : 0;
    if (next) print_push(t, next);
    fflush(t->out);
}

// ---- reading

static bool read_answer(struct str word, enum phone_deed *deed, int *number) {
    uint64_t n;
    *number = PUSH_NO_NUMBER;
    *deed = PHONE_APPROVE;
    if (parse_u64(word, &n) && n <= NUMBER_MAX) {
        *number = (int)n;
        return true;
    }
    if (str_eq_nocase(word, STR("a")) || str_eq_nocase(word, STR("approve"))) return true;
    *deed = PHONE_DENY;
    return str_eq_nocase(word, STR("d")) || str_eq_nocase(word, STR("deny"));
}

// An approval without a number is none where one has to be tapped.
static int take_line(struct terminal *t, struct str line) {
    int64_t now_ms = simclock_now(&t->sim->clock);
    struct push *push = pushes_by_number(&t->sim->pushes, t->shown);
    enum phone_deed deed;
    int number;
    if (!push || push->state != PUSH_WAITING) return 0;
    bool good = read_answer(str_trim(line), &deed, &number);
    bool tapped = number != PUSH_NO_NUMBER, wanted = push->correct != PUSH_NO_NUMBER;
    if (deed == PHONE_APPROVE && tapped != wanted) good = false;
    if (good) return pushes_answer(t->sim, push, deed, number, now_ms);
    print_question(t, push);
    return 0;
}

static int take_lines(struct terminal *t) {
    struct str rest = buf_str(&t->line);
    int e = 0;
    while (!e && str_find_char(rest, '\n') < rest.n) e = take_line(t, str_split(&rest, '\n'));
    size_t left = rest.p ? rest.n : 0;
    if (left) memmove(t->line.p, rest.p, left);
    t->line.n = left;
    return e;
}

int terminal_read(struct terminal *t) {
    char bytes[512];
    ssize_t n = read(t->in, bytes, sizeof bytes);
    if (n < 0) return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    if (n == 0) return TERMINAL_E_END;
    buf_add(&t->line, bytes, (size_t)n);
    if (t->line.error) buf_reset(&t->line); // nobody types that much
    int e = take_lines(t);
    if (!e) terminal_look(t);
    return e;
}
