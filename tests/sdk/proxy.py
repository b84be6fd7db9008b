# SPDX-License-Identifier: Apache-2.0
"""A proxy on the loopback that knows one name: whoever asks for the org's host is led to the simulator.

So an SDK that is not changed in anything talks https to a host below okta.com, and what it might want of any other
host is refused here and remembered.
"""
import socket
import threading


class Proxy:
    """Answers CONNECT for `host` with a tunnel to `port` on the loopback, and anything else with 403."""

    def __init__(self, host):
        self.host = host
        self.port_behind = None
        self.refused = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            try:
                asked = read_head(client)
                if asked != "CONNECT %s:443" % self.host:
                    self.refused.append(asked)
                    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    return
                with socket.create_connection(("127.0.0.1", self.port_behind)) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=pump, args=(server, client), daemon=True)
                    back.start()
                    pump(client, server)
                    back.join()
            except OSError:
                pass  # one of the two has gone; the other sees it by its closed connection

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read_head(client):
    """The method and the target of a request whose head is taken off the connection, no byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            raise OSError("the head of the request is cut")
        head += byte
    return " ".join(head.decode("latin-1").split("\r\n")[0].split(" ")[:2])


def pump(source, sink):
    """Carries bytes one way until they end, and passes the end on."""
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
