# SPDX-License-Identifier: Apache-2.0
"""An independent Kafka client for the tests: run by the Python of tools/deps, since the tests' own has no such module.
Prints JSON, one line per thing.

    kafka_tool.py SERVERS create TOPIC PARTITIONS [KEY=VALUE...]
    kafka_tool.py SERVERS read TOPIC [read_committed|read_uncommitted]    what is in it now, by partition and offset
    kafka_tool.py SERVERS keys TOPIC [...]                                their keys alone
    kafka_tool.py SERVERS follow TOPIC                                    the keys of what is committed, without end
    kafka_tool.py SERVERS produce TOPIC                                   [key, value] per line of standard input
    kafka_tool.py SERVERS transact TOPIC ID commit|abort                  the same, in a transaction that ends so
    kafka_tool.py SERVERS committed GROUP TOPIC                           the group's offsets, with their metadata
    kafka_tool.py SERVERS topics                                          names, and their numbers of partitions

The environment variable KAFKA_OPTIONS may hold more of librdkafka's settings, as a JSON object.
"""
import json
import os
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SECONDS = float(os.environ.get("PATIENCE", "60"))


def settings(servers, **more):
    return dict({"bootstrap.servers": servers}, **json.loads(os.environ.get("KAFKA_OPTIONS", "{}")), **more)


def show(value):
    print(json.dumps(value))


def text(value):
    return None if value is None else value.decode()


def partitions(client, topic):
    known = client.list_topics(topic, timeout=SECONDS).topics[topic]
    if known.error:
        raise KafkaException(known.error)
    return sorted(known.partitions)


def create(servers, topic, count, *config):
    new = NewTopic(topic, int(count), 1, config=dict(pair.split("=", 1) for pair in config))
    admin = AdminClient(settings(servers))
    admin.create_topics([new])[topic].result(SECONDS)


def messages(servers, topic, isolation):
    """The end that is waited for is, for read_committed, the end of the last transaction that is decided."""
    consumer = Consumer(settings(servers, **{"group.id": "judge", "enable.partition.eof": True,
                                             "enable.auto.commit": False, "isolation.level": isolation,
                                             "auto.offset.reset": "earliest"}))
    open_partitions = set(partitions(consumer, topic))
    consumer.assign([TopicPartition(topic, p, 0) for p in open_partitions])
    while open_partitions:
        message = consumer.poll(SECONDS)
        if message is None:
            raise SystemExit("no end of partitions %s in %g s" % (open_partitions, SECONDS))
        if not message.error():
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            open_partitions.discard(message.partition())
        elif message.error().fatal() or not message.error().retriable():
            raise KafkaException(message.error())
    consumer.close()


def read(servers, topic, isolation="read_committed"):
    for message in messages(servers, topic, isolation):
        show({"key": text(message.key()), "value": text(message.value()), "partition": message.partition(),
              "offset": message.offset(), "timestamp": message.timestamp()[1],
              "headers": {name: text(value) for name, value in message.headers() or []}})


def keys(servers, topic, isolation="read_committed"):
    for message in messages(servers, topic, isolation):
        show(text(message.key()))


def follow(servers, topic):
    """Brokers may go and come back."""
    consumer = Consumer(settings(servers, **{"group.id": "follower", "enable.auto.commit": False,
                                             "isolation.level": "read_committed", "auto.offset.reset": "earliest",
                                             "reconnect.backoff.max.ms": 200, "fetch.wait.max.ms": 20}))
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions(consumer, topic)])
    while True:
        for message in consumer.consume(500, 0.02):
            if not message.error():
                show(text(message.key()))
        sys.stdout.flush()


def send_lines(producer, topic):
    failed = []
    for line in sys.stdin:
        key, value = json.loads(line)
        producer.produce(topic, value, key, on_delivery=lambda error, _: failed.append(error) if error else None)
    if producer.flush(SECONDS) or failed:
        raise SystemExit("not everything could be sent: %s" % failed)


def produce(servers, topic):
    send_lines(Producer(settings(servers)), topic)


def transact(servers, topic, name, end):
    producer = Producer(settings(servers, **{"transactional.id": name}))
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    send_lines(producer, topic)
    {"commit": producer.commit_transaction, "abort": producer.abort_transaction}[end](SECONDS)


def committed(servers, group, topic):
    consumer = Consumer(settings(servers, **{"group.id": group, "isolation.level": "read_committed"}))
    wanted = [TopicPartition(topic, p) for p in partitions(consumer, topic)]
    for at in consumer.committed(wanted, timeout=SECONDS):
        show({"partition": at.partition, "offset": at.offset, "metadata": at.metadata})
    consumer.close()


def topics(servers):
    admin = AdminClient(settings(servers))
    for name, known in sorted(admin.list_topics(timeout=SECONDS).topics.items()):
        show({"topic": name, "partitions": len(known.partitions)})


COMMANDS = {c.__name__: c for c in (create, read, keys, follow, produce, transact, committed, topics)}

if __name__ == "__main__":
    COMMANDS[sys.argv[2]](sys.argv[1], *sys.argv[3:])
