"""A TCP proxy before an engine, by which a test cuts the network in two."""
import socket
import threading

CHUNK = 65536


class Proxy:
    """Hands on what comes to `port` to `target` on loopback, and back; while it is cut nothing goes either way, and
    nobody is told: packets are lost, as in a partition."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.is_whole = threading.Event()
        self.is_whole.set()
        self.lock = threading.Lock()
        self.open = set()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.is_whole.set()
        self.listener.close()
        self.close_all()

    def close_all(self):
        with self.lock:
            for each in self.open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        self.is_whole.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        with self.lock:
            self.open |= {client, server}
        back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
        back.start()
        self.pump(client, server)
        back.join()
        with self.lock:
            self.open -= {client, server}
        client.close()
        server.close()

    def pump(self, source, sink):
        try:
            while data := source.recv(CHUNK):
                self.is_whole.wait()
                sink.sendall(data)
        except OSError:
            pass  # the other direction has ended
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed

    def cut(self):
        self.is_whole.clear()

    def heal(self):
        """What was on its way is lost."""
        self.close_all()
        self.is_whole.set()
