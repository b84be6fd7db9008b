// SPDX-License-Identifier: Apache-2.0
// librdkafka connects by itself, again and again, and what is asked of it waits meanwhile. What it
// meets is told within milliseconds, but only in passing: it is kept here, by kind, until the
// cluster answers. It also tells when no broker is connected any more, yet not when one is again:
// before somebody is given up for that, a question shows whether it still holds.
#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "kafka/kafka-internal.h"

enum {
    REACH_MS = 2500, // librdkafka tries some five times in that
    ASK_MS = 2 * KAFKA_SLICE_MS,
    LINE_MAX_BYTES = 8192,
    SCRAM_FIXED = 0x020601ff, // librdkafka 2.6.1
};

// ---- what was met

// Where the text tells nothing, its code does.
static enum kafka_obstacle kind_of(rd_kafka_resp_err_t err) {
    switch (err) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION: return KAFKA_DENIED;
    case RD_KAFKA_RESP_ERR__SSL: return KAFKA_NO_TLS;
    case RD_KAFKA_RESP_ERR__RESOLVE: return KAFKA_UNKNOWN;
    case RD_KAFKA_RESP_ERR__BAD_MSG: return KAFKA_STRANGE;
    case RD_KAFKA_RESP_ERR__TRANSPORT: return KAFKA_AWAY;
    default: return KAFKA_NONE;
    }
}

// That a transaction has failed is no reason: it is told beside this.
static void keep(struct kafka_client *c, rd_kafka_resp_err_t err, const char *line) {
    AUTO_FINI(buf) struct buf text = buf_make(LINE_MAX_BYTES);
    enum kafka_obstacle kind = kafka_obstacle_read(line, &text);
    const char *z = buf_z(&text);
    if (!z || str_starts(buf_str(&text), STR("Current transaction failed"))) return;
    if (kind == KAFKA_NONE) kind = kind_of(err);
    pthread_mutex_lock(&c->lock);
    snprintf(c->complaint, sizeof c->complaint, "%s", z);
    if (kind != KAFKA_NONE)
        snprintf(c->obstacles[kind], sizeof c->obstacles[kind], "%s", c->complaint);
    pthread_mutex_unlock(&c->lock);
}

// "3/3 brokers are down" says less than what was said of each of them before.
void kafka_note(struct kafka_client *c, rd_kafka_resp_err_t err, const char *line) {
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        keep(c, err, line);
        return;
    }
    pthread_mutex_lock(&c->lock);
    if (!c->down_ms) c->down_ms = time_mono_ms();
    pthread_mutex_unlock(&c->lock);
}

void kafka_answered(struct kafka_client *c) {
    c->met = true;
    c->lost = false;
    pthread_mutex_lock(&c->lock);
    c->complaint[0] = '\0';
    for (size_t i = 0; i < KAFKA_OBSTACLES; i++) c->obstacles[i][0] = '\0';
    c->down_ms = 0;
    pthread_mutex_unlock(&c->lock);
}

static int64_t down_since_ms(struct kafka_client *c) {
    pthread_mutex_lock(&c->lock);
    int64_t since = c->down_ms;
    pthread_mutex_unlock(&c->lock);
    return since;
}

// The one that tells most. Its text is copied.
static enum kafka_obstacle worst(struct kafka_client *c, char *ret, size_t size) {
    size_t i = KAFKA_OBSTACLES - 1;
    pthread_mutex_lock(&c->lock);
    while (i > KAFKA_NONE && !c->obstacles[i][0]) i--;
    snprintf(ret, size, "%s", c->obstacles[i]);
    pthread_mutex_unlock(&c->lock);
    return (enum kafka_obstacle)i;
}

const char *kafka_failed_step(struct kafka_client *c) {
    char text[KAFKA_COMPLAINT_MAX];
    return kafka_obstacle_step(worst(c, text, sizeof text));
}

// ---- the words

// Until 2.6.1 librdkafka sent its nonce twice (its pull request 4895), which brokers since 3.7.2
// and 3.8.1 take for a wrong password.
static void add_scram(struct buf *out, const struct kafka_opts *opts) {
    const char *mechanism = opts->sasl_mechanism ? opts->sasl_mechanism : "";
    if (strncmp(mechanism, "SCRAM", 5) == 0 && rd_kafka_version() < SCRAM_FIXED)
        buf_addf(out,
                 "; librdkafka %s cannot sign in by SCRAM at brokers of 3.7.2, 3.8.1 or newer, "
                 "only 2.6.1 can: use PLAIN over TLS",
                 rd_kafka_version_str());
}

// The one host has its name in the text of what was met there.
static void add_hosts(struct buf *out, const struct kafka_opts *opts, bool told) {
    if (opts->host_count > 1)
        buf_addf(out, "none of the %zu hosts can be reached; the last: ", opts->host_count);
    if (!told) buf_addf(out, "%s: ", opts->hosts[opts->host_count - 1]);
}

// librdkafka is silent about connections that the other side closes.
static int cannot_reach(struct kafka_client *c, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(FAULT_TEXT_MAX);
    char met[KAFKA_COMPLAINT_MAX];
    enum kafka_obstacle kind = worst(c, met, sizeof met);
    bool told = kind != KAFKA_NONE, user = c->opts->username != NULL;
    if (!told) kind = KAFKA_CUT;
    add_hosts(&text, c->opts, told);
    buf_addz(&text, told ? met : "the connection was cut");
    if (kind == KAFKA_DENIED) add_scram(&text, c->opts);
    if (!c->met) buf_addz(&text, kafka_obstacle_hint(kind, c->opts->tls, user));
    c->lost = true;
    const char *z = buf_z(&text);
    return fault_set(fault, -EIO, "%s", z ? z : met);
}

// ---- waiting

// Answers are of the cluster when it has one to give; one that was met before may be slow.
static bool is_connected(struct kafka_client *c) {
    const struct rd_kafka_metadata *answer = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->rk, 0, NULL, &answer, ASK_MS);
    if (!err) rd_kafka_metadata_destroy(answer);
    return err >= 0 || (c->met && err == RD_KAFKA_RESP_ERR__TIMED_OUT);
}

static bool is_sure(struct kafka_client *c) {
    char text[KAFKA_COMPLAINT_MAX];
    return kafka_obstacle_is_sure(worst(c, text, sizeof text));
}

static bool is_away(struct kafka_client *c, const struct kafka_patience *p) {
    int64_t since = down_since_ms(c);
    if (!since) return false;
    if (!c->met && is_sure(c)) return true;
    if (!c->met || since < p->began_ms) since = p->began_ms;
    if (time_mono_ms() - since < REACH_MS) return false;
    if (!is_connected(c)) return true;
    kafka_answered(c);
    return false;
}

struct kafka_patience kafka_patience(const struct kafka_client *c, int64_t extra_ms) {
    return (struct kafka_patience){time_mono_ms(), c->timeout_ms + extra_ms};
}

static int no_answer(struct kafka_client *c, const struct kafka_patience *p, const char *what,
                     struct fault *fault) {
    char why[64];
    bool whole = p->most_ms % TIME_SECOND_MS == 0;
    snprintf(why, sizeof why, "no answer within %lld %s",
             (long long)(whole ? p->most_ms / TIME_SECOND_MS : p->most_ms), whole ? "s" : "ms");
    return kafka_trouble(c, what, why, fault);
}

int kafka_wait_on(struct kafka_client *c, const struct kafka_patience *p, const char *what,
                  struct fault *fault) {
    if (kafka_stopped(c)) return fault_set(fault, -ECANCELED, "stopped");
    if (is_away(c, p)) return cannot_reach(c, fault);
    bool late = time_mono_ms() - p->began_ms >= p->most_ms;
    return late ? no_answer(c, p, what, fault) : 0;
}
