// SPDX-License-Identifier: Apache-2.0
// The errors that people meet, in words that say what to do.
#include "kafka/kafka-internal.h"

static const struct {
    rd_kafka_resp_err_t err;
    const char *words;
} table[] = {
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     "the user may not write to the topic (it needs Write and Describe on it)"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
     "the user may not do this in the cluster (IdempotentWrite, or Create for a missing topic)"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
     "the user may not use this transactional id (it needs Write and Describe on it)"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "the broker refuses username or password"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, "the broker refuses username or password"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, "the broker does not take this SASL mechanism"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "the topic does not exist"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "the topic does not exist"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "the topic has no such partition"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "the message is larger than the topic takes"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, "the message is larger than a segment of the topic"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "the topic's name is not valid"},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, "the topic does not take a message of that time"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD,
     "the broker refuses the message (a compacted topic wants a key)"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "a policy of the broker refuses it"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "no broker has taken it in time"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, "no answer in time"},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, "the broker has not done it in time"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, "the connection to the broker was lost"},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "no broker can be reached"},
    {RD_KAFKA_RESP_ERR__RESOLVE, "the broker's name is not known"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "too few replicas are in sync (min.insync.replicas)"},
    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "the broker is still starting"},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, "the cluster has no coordinator yet"},
    {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
     "the broker's transaction.max.timeout.ms is smaller than what gatehouse needs"},
};

const char *kafka_words(rd_kafka_resp_err_t err) {
    for (size_t i = 0; i < LEN(table); i++)
        if (table[i].err == err) return table[i].words;
    return rd_kafka_err2str(err);
}
