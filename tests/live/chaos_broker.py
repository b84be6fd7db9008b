# SPDX-License-Identifier: Apache-2.0
"""A proxy before a Kafka broker that knows what the requests are for, so that things can happen at a certain moment of
a transaction."""
import struct

from fronts import TcpBreaker, reset

# Kafka's names and numbers of the requests that a transactional producer makes.
PRODUCE, METADATA, FIND_COORDINATOR, INIT_PRODUCER, ADD_PARTITIONS, END_TRANSACTION = 0, 3, 10, 22, 24, 26
REQUEST, ANSWER = False, True


def receive(source, count):
    data = b""
    while len(data) < count:
        piece = source.recv(count - len(data))
        if not piece:
            raise OSError("the end")
        data += piece
    return data


def frames(source):
    """What Kafka's protocol sends: a length and so many bytes."""
    while True:
        length = receive(source, 4)
        yield length + receive(source, struct.unpack(">i", length)[0])


class BrokerProxy(TcpBreaker):
    """queue(): at the next request of that kind, or when the broker's answer to it is there, a fault is called; when it
    gives False, the connection is cut instead of passing it on."""

    def __init__(self, place):
        self.faults = []  # kind, REQUEST or ANSWER, fault
        super().__init__(place)

    def queue(self, fault, kind, moment, count=1):
        with self.lock:
            self.faults += [(kind, moment, fault)] * count

    def calm(self):
        with self.lock:
            self.faults.clear()
        self.hear()
        self.release()

    def take_fault(self, kind, moment):
        with self.lock:
            for i, fault in enumerate(self.faults):
                if fault[:2] == (kind, moment):
                    del self.faults[i]
                    return fault[2]
        return lambda: True

    def kind(self, frame, asked, to_engine):
        if not to_engine:
            return asked.pop(struct.unpack(">i", frame[4:8])[0], None)
        kind, _, number = struct.unpack(">hhi", frame[4:12])
        asked[number] = kind
        return kind

    def serve(self, client, address):
        self.asked = getattr(self, "asked", {})
        self.asked[client.getpeername()] = {}
        super().serve(client, address)

    def pump(self, source, to, to_engine):
        client = source if to_engine else to
        try:
            asked = self.asked[client.getpeername()]
            for frame in frames(source):
                self.going[to_engine].wait()
                if not self.take_fault(self.kind(frame, asked, to_engine), not to_engine)():
                    reset(client)
                    break
                if to_engine or not self.deaf:
                    to.sendall(frame)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(2)
            except OSError:
                pass
