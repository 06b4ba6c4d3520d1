from __future__ import annotations

import os
import select
import socket
import ssl
import sys
import threading
import unittest
from collections.abc import Callable
from typing import Any

from cordon_sdk import BadAnswer, Client, CordonError, Unavailable
from cordon_sdk.connection import Connection, _Reads
from cordon_sdk.deadline import Deadline
from cordon_sdk.transport import HTTPTransport, Request

from .stage import Clock

Serve = Callable[["Peer"], None]


class Peer:
    """A server's end of one connection."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.file = accepted.makefile("rb")

    def read(self) -> str | None:
        """Read a request and give its path, or None at the end."""
        line = self.file.readline()
        if not line:
            return None
        length = 0
        while (header := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.file.read(length)
        return line.split()[1].decode()

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def answer(self, body: str, *headers: str) -> None:
        head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        self.say("\r\n".join(head) + "\r\n\r\n" + body)

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Listener:
    """A server on this machine. Each connection is served by the function of its number, the last one by all further."""

    def __init__(self, case: unittest.TestCase, *serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        accepting = threading.Thread(target=self._accept)
        accepting.start()

        def end() -> None:
            self._listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            self._listening.close()
            for thread in self._threads:
                thread.join()

        case.addCleanup(end)

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            serve = self._serve[min(self.connections, len(self._serve) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._one, args=(serve, Peer(accepted)))
            self._threads.append(thread)
            thread.start()

    def _one(self, serve: Serve, peer: Peer) -> None:
        try:
            serve(peer)
        except (OSError, ValueError, IndexError):  # it was closed, or is no HTTP
            pass
        finally:
            peer.close()

    def client(self, case: unittest.TestCase, **options: Any) -> Client:
        client = Client(f"http://127.0.0.1:{self.port}", "ck_test", **options)
        client._wire.sleep = lambda seconds: None
        case.addCleanup(client.close)
        return client


def always(peer: Peer) -> None:
    while peer.read() is not None:
        peer.answer('{"decision": true}')


def once(peer: Peer) -> None:
    peer.read()
    peer.answer('{"decision": true}')


class Transporting(unittest.TestCase):
    def test_a_connection_is_kept(self) -> None:
        listener = Listener(self, always)
        cordon = listener.client(self)
        for _ in range(5):
            self.assertTrue(cordon.can("anna", "manage", "shop"))
            self.assertTrue(cordon.as_user("lena").can("anna", "manage", "shop"))
        self.assertEqual(listener.connections, 1)
        cordon.close()
        self.assertTrue(cordon.can("anna", "manage", "shop"))
        self.assertEqual(listener.connections, 2)

    def test_one_that_the_server_closed_is_no_failure(self) -> None:
        closed = threading.Event()

        def quits(peer: Peer) -> None:
            once(peer)
            peer.close()
            closed.set()

        def falls(peer: Peer) -> None:  # reads the next question, and says nothing
            once(peer)
            peer.read()

        listener = Listener(self, quits, falls, always)
        cordon = listener.client(self, budget=60)
        slept: list[float] = []
        cordon._wire.sleep = slept.append
        for n in range(4):
            self.assertTrue(cordon.can("anna", "manage", "shop"))
            if n == 0:
                closed.wait()
        self.assertEqual((listener.connections, slept), (3, []))

    def test_an_answer_that_was_cut_off_counts_as_a_try(self) -> None:
        def cuts(peer: Peer) -> None:
            once(peer)
            peer.read()
            peer.say('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"decision": true}')

        listener = Listener(self, cuts, always)
        cordon = listener.client(self, budget=60)
        slept: list[float] = []
        cordon._wire.sleep = slept.append
        self.assertTrue(cordon.can("anna", "manage", "shop"))
        self.assertTrue(cordon.can("anna", "manage", "shop"))
        self.assertEqual((listener.connections, len(slept)), (2, 1))

    def test_one_that_says_more_than_it_was_asked_is_not_used_again(self) -> None:
        def talks(peer: Peer) -> None:
            once(peer)
            answered.wait()
            peer.answer('{"decision": true}')
            peer.read()

        def refuses(peer: Peer) -> None:
            peer.read()
            peer.answer('{"decision": false}')

        answered = threading.Event()
        cordon = Listener(self, talks, refuses).client(self)
        self.assertTrue(cordon.can("anna", "manage", "shop"))
        answered.set()
        transport = cordon._wire.transport
        assert isinstance(transport, HTTPTransport)
        waiting = transport._kept[0]._socket
        assert waiting is not None
        select.select([waiting], [], [], 60)  # until it is here
        self.assertFalse(cordon.can("anna", "manage", "other"))

    def test_one_that_will_be_closed_is_not_kept(self) -> None:
        def closes(peer: Peer) -> None:
            peer.read()
            peer.answer('{"decision": true}', "Connection: close")

        listener = Listener(self, closes)
        cordon = listener.client(self)
        self.assertTrue(cordon.can("anna", "manage", "shop") and cordon.can("anna", "manage", "shop"))
        self.assertEqual(listener.connections, 2)

    def test_what_breaks_off_is_never_a_yes(self) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        cases: dict[str, tuple[str, type[CordonError]]] = {
            "nothing": ("", Unavailable),
            "half a head": ("HTTP/1.1 200 OK\r\nContent-", BadAnswer),
            "half a body": (head + 'Content-Length: 99\r\n\r\n{"decision": true}', Unavailable),
            "half a chunk": (head + 'Transfer-Encoding: chunked\r\n\r\n20\r\n{"decision": true}', Unavailable),
            "no HTTP": ("SSH-2.0-OpenSSH_9.6\r\n", BadAnswer),
            "another place": ("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", CordonError),
            "too long": (head + f"Content-Length: {(32 << 20) + 1}\r\n\r\n" + " " * ((32 << 20) + 1), BadAnswer),
        }
        for name, (text, kind) in cases.items():

            def breaks(peer: Peer, text: str = text) -> None:
                peer.read()
                peer.say(text)

            with self.subTest(name), self.assertRaises(CordonError) as raised:
                Listener(self, breaks).client(self, budget=60).can("anna", "manage", "shop")
            if name != "half a head":  # which Python takes for a head without headers
                self.assertIs(type(raised.exception), kind)

    def test_without_an_answer_in_time_there_is_none(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)

        def hangs(peer: Peer) -> None:
            peer.read()
            over.wait()

        with self.assertRaises(Unavailable):
            Listener(self, hangs).client(self, budget=0.05).can("anna", "manage", "shop")
        over.set()

    def test_a_server_that_says_byte_by_byte_does_not_get_more_time(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        clock = Clock()
        connection = Connection("cordon.test", 80, None)
        connection.deadline = Deadline(1, clock)
        theirs.sendall(b"HTTP")
        reads = _Reads(ours, connection)
        self.addCleanup(reads.close)
        for _ in range(3):
            self.assertEqual(reads.readinto(bytearray(1)), 1)
            clock.now += 0.33
        clock.now += 0.02
        with self.assertRaises(TimeoutError):
            reads.readinto(bytearray(1))

    def test_a_server_that_is_not_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}", "ck_test")
        client._wire.sleep = lambda seconds: None
        with self.assertRaises(Unavailable):
            client.can("anna", "manage", "shop")
        with self.assertRaises(Unavailable):
            HTTPTransport("127.0.0.1", port, None).send(Request("GET", "/", {}), Deadline(-1))

    def test_no_plain_server_passes_for_one_with_tls(self) -> None:
        listener = Listener(self, once)
        client = Client(f"https://127.0.0.1:{listener.port}", "ck_test", tls=ssl.create_default_context())
        client._wire.sleep = lambda seconds: None
        with self.assertRaises(Unavailable):
            client.can("anna", "manage", "shop")

    def test_each_thread_gets_its_own_answers(self) -> None:
        def echoes(peer: Peer) -> None:
            while (path := peer.read()) is not None:
                peer.answer(f'"{path}"')

        transport = HTTPTransport("127.0.0.1", Listener(self, echoes).port, None)
        self.addCleanup(transport.close)
        wrong: list[str] = []

        def ask(thread: int) -> None:
            for n in range(50):
                path = f"/{thread}/{n}"
                if transport.send(Request("POST", path, {}, b"{}"), Deadline(60)).body.decode() != f'"{path}"':
                    wrong.append(path)

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertLessEqual(len(transport._kept), 8)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork")
    def test_a_process_that_is_forked_dials_anew(self) -> None:
        listener = Listener(self, always)
        transport = HTTPTransport("127.0.0.1", listener.port, None)
        self.addCleanup(transport.close)
        transport.send(Request("POST", "/", {}), Deadline(60))
        kept = transport._kept[0]
        child = os.fork()
        if child == 0:
            same = True
            try:
                same = transport._take() is kept
            finally:
                os._exit(1 if same else 0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertIs(transport._take(), kept)
        kept.close()


if sys.version_info >= (3, 12):  # which warns of a fork beside threads; the child of the test above starts none
    import warnings

    warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
