# SPDX-License-Identifier: Apache-2.0
"""Who stands between gatehouse and Okta in the live tests: real proxies, and nginx as a reverse proxy. Each class
has stop(), so that a Place ends them."""
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading

from basics import BARE_ENV, PATIENCE, Skip, wait_until


def program(name):
    found = shutil.which(name) or shutil.which("/usr/sbin/" + name)
    if not found:
        raise Skip(name + " is not installed")
    return found


def free_port():
    """A port that nobody listens at now. For programs that must be told a number."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A program that listens at a port it is told. Somebody may take the port before it does: then another one."""

    def __init__(self, command):
        for _ in range(10):
            self.port = free_port()
            self.process = subprocess.Popen(command(self.port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, env=BARE_ENV)
            wait_until(lambda: accepts(self.port) or self.process.poll() is not None, "the proxy's port")
            if self.process.poll() is None:
                return
        raise AssertionError("%s does not start" % command(0)[0])

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Tinyproxy(Program):
    def __init__(self, place, auth=None):
        self.log = place.path("tinyproxy.log")

        def command(port):
            text = "Port %d\nListen 127.0.0.1\nLogFile \"%s\"\nLogLevel Info\nMaxClients 20\n" % (port, self.log)
            if auth:
                text += "BasicAuth %s %s\n" % auth
            return [program("tinyproxy"), "-d", "-c", place.write("tinyproxy.conf", text)]
        super().__init__(command)

    def requests(self):
        """The request lines that it saw."""
        with open(self.log) as f:
            return [line.split("): ", 1)[1].strip() for line in f if "Request (file descriptor" in line]


class Microsocks(Program):
    def __init__(self, user, password):
        super().__init__(lambda port: [program("microsocks"), "-i", "127.0.0.1", "-p", str(port), "-u", user, "-P",
                                       password])


class TlsProxy:
    """CONNECT over TLS, as far as a test needs it."""

    def __init__(self, certificate, key):
        self.seen = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.verify_mode = ssl.CERT_OPTIONAL  # asks for a certificate, to see whether one is shown
        self.context.load_verify_locations(certificate)
        self.shown = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.connect, args=(connection,), daemon=True).start()

    def connect(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as client:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = client.recv(4096)
                    if not piece:
                        return
                    head += piece
                self.seen.append(head.decode())
                self.shown.append(client.getpeercert(True))
                host, port = head.split()[1].decode().rsplit(":", 1)
                with socket.create_connection((host, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    self.pass_on(client, server)
        except OSError:
            return

    def pass_on(self, client, server):
        while True:
            ready = [client] if client.pending() else select.select([client, server], [], [])[0]
            for one in ready:
                piece = one.recv(65536)
                if not piece:
                    return
                (server if one is client else client).sendall(piece)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class NginxServer:
    """nginx with one server. It takes over a socket that listens already, so that no port is fixed and nothing is to be
    waited for. `listen` is what follows the port, `server` what stands in the server, `http` what stands before it."""

    def __init__(self, place, listen, server, http="", name="nginx"):
        self.log = place.path(name + ".log")
        folder = place.path(name)
        os.mkdir(folder)
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        path = place.write(name + ".conf", """
daemon off; worker_processes 1; pid pid; error_log error.log;
events {}
http {
  log_format it '$server_protocol $connection $status $sent_http_content_encoding $request_method';
  access_log %(log)s it;
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  %(http)s
  server {
    listen 127.0.0.1:%(port)d %(listen)s;
    %(server)s
  }
}
""" % dict(log=self.log, port=self.port, listen=listen, server=server, http=http))
        os.chmod(place.root, 0o711)
        self.process = subprocess.Popen([program("nginx"), "-p", folder, "-c", path], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        pass_fds=[listening.fileno()],
                                        env=dict(BARE_ENV, NGINX="%d;" % listening.fileno()))
        listening.close()

    def lines(self):
        """protocol, connection, status, encoding, method of every request."""
        with open(self.log) as f:
            return [line.split() for line in f]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Nginx(NginxServer):
    """HTTP/2 and gzip over TLS in front of a simulator."""

    def __init__(self, place, sim, certificate, key, protocol="http2", more=""):
        super().__init__(place, "ssl " + protocol, """
    ssl_certificate %s; ssl_certificate_key %s; %s
    location / {
      proxy_pass %s; proxy_set_header Host $http_host; proxy_http_version 1.1;
      proxy_set_header Accept-Encoding identity; proxy_set_header X-Forwarded-Proto https;
    }""" % (certificate, key, more, sim.base),
                         "gzip on; gzip_proxied any; gzip_min_length 0; gzip_types application/json;")
        self.base = "https://127.0.0.1:%d" % self.port
        self.url = self.base + "/api/v1/logs"
        self.token = sim.token
