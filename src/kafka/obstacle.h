// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_OBSTACLE_H
#define KAFKA_OBSTACLE_H
// What stands between us and a broker, read from librdkafka's lines. Pure; any thread.

#include "base/buf.h"

// The later ones tell more.
enum kafka_obstacle {
    KAFKA_NONE,
    KAFKA_AWAY,    // nobody listens there, or no way leads there
    KAFKA_CUT,     // connected, and cut
    KAFKA_SILENT,  // connected, but nothing is answered
    KAFKA_STRANGE, // something else answers
    KAFKA_UNKNOWN, // the host's name
    KAFKA_NO_TLS,
    KAFKA_DENIED, // username, password, mechanism
    KAFKA_OBSTACLES,
};

// Appends a line of librdkafka's in plain words, with the host before them ("k1:9092: connection
// refused"). Outcomes: the kind; KAFKA_NONE: it tells of something else, `out` has it without the
// thread and the state around it.
enum kafka_obstacle kafka_obstacle_read(const char *line, struct buf *out);

const char *kafka_obstacle_step(enum kafka_obstacle kind); // of `test output`; static
// Only people can mend it: waiting will not help.
bool kafka_obstacle_is_sure(enum kafka_obstacle kind);
// Which setting may be missing where a port behaves like that; "" where nothing is to be guessed;
// static.
const char *kafka_obstacle_hint(enum kafka_obstacle kind, bool tls, bool user);

#endif
