// SPDX-License-Identifier: Apache-2.0
// Which partition a message goes to, so that a topic that Filebeat filled goes on being filled in
// the same way: FNV-1a of the key without its top bit, over all partitions, also those that cannot
// be reached just now. Without a key: any.
#include "kafka/kafka-internal.h"

uint32_t kafka_partition_hash(struct str key) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.n; i++) hash = (hash ^ (unsigned char)key.p[i]) * 16777619u;
    return hash;
}

static int32_t by_chance(const rd_kafka_topic_t *topic, const void *key, size_t key_bytes,
                         int32_t count, void *opaque, void *message) {
    return rd_kafka_msg_partitioner_random(topic, key, key_bytes, count, opaque, message);
}

static int32_t by_key_hash(const rd_kafka_topic_t *topic, const void *key, size_t key_bytes,
                           int32_t count, void *opaque, void *message) {
    if (!key) return by_chance(topic, key, key_bytes, count, opaque, message);
    uint32_t hash = kafka_partition_hash((struct str){key, key_bytes});
    return (int32_t)(hash & 0x7fffffff) % count;
}

static int32_t by_turn(const rd_kafka_topic_t *topic, const void *key, size_t key_bytes,
                       int32_t count, void *opaque, void *message) {
    (void)topic, (void)key, (void)key_bytes, (void)message;
    return (int32_t)(atomic_fetch_add((atomic_uint *)opaque, 1) % (unsigned)count);
}

typedef int32_t partition_fn(const rd_kafka_topic_t *, const void *, size_t, int32_t, void *,
                             void *);
static partition_fn *const ways[] = {
    [KAFKA_BY_KEY_HASH] = by_key_hash,
    [KAFKA_RANDOM] = by_chance,
    [KAFKA_ROUND_ROBIN] = by_turn,
};

void kafka_partition_set(rd_kafka_conf_t *conf, int partition, atomic_uint *turn) {
    rd_kafka_topic_conf_t *topic = rd_kafka_conf_get_default_topic_conf(conf);
    if (!topic) {
        topic = rd_kafka_topic_conf_new();
        rd_kafka_conf_set_default_topic_conf(conf, topic);
    }
    rd_kafka_topic_conf_set_partitioner_cb(topic, ways[partition]);
    rd_kafka_topic_conf_set_opaque(topic, turn);
}
