"""Sessions outlive their connections: every message arrives once and in order, or the session says that it is over."""

import asyncio
import json
import os
import shutil
import subprocess
import sys

import grpc
import pytest
import runtime_support
from astune_runtime.dial import DialOptions, dial
from astune_runtime.errors import AuthenticationError, RaySystemError
from astune_runtime.frames import REQUEST, RESPONSE
from astune_runtime.link_server import LinkServer, LinkServerOptions
from astune_runtime.packets import LINK_PATH
from astune_runtime.peer import Peer, PeerHandlers
from astune_runtime.tls import Tls


class Ends:
    """A server that answers, and a client of it."""

    def __init__(self, tmp_path, grace_s=30.0):
        self.heard = []
        self.ended = asyncio.Event()
        self.ups = []
        self.target = f"unix:{tmp_path}/s"
        self.peers = []
        self.server = LinkServer(LinkServerOptions("server", "secret", grace_s, self._accept))

    def _accept(self, process_id, session):
        handlers = PeerHandlers(
            request=self._answer,
            event=lambda topic, payload, _peer: self.heard.append((topic, payload)),
            ended=lambda _peer, _error: self.ended.set(),
        )
        self.peers.append(Peer(process_id, handlers, session))
        return self.peers[-1]

    def _answer(self, method, payload, _peer):
        if method == "later":
            return asyncio.sleep(0.01, payload)
        raise ValueError(f"unknown: {method}")

    def client(self, token="secret", **options):
        handlers = PeerHandlers(up=lambda _peer, fresh: self.ups.append(fresh))
        peer = Peer("server", handlers, lambda: session)
        session = dial(DialOptions(options.pop("address", self.target), "client", token, **options), peer)
        return peer

    async def __aenter__(self):
        self.server.bind(self.target)
        await self.server.start()
        return self

    async def __aexit__(self, *_):
        await self.server.close()


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 30))


def test_questions_are_answered_and_refused(tmp_path):
    async def go():
        async with Ends(tmp_path) as ends:
            peer = ends.client()
            assert await asyncio.gather(*[peer.ask("later", i) for i in range(100)]) == list(range(100))
            with pytest.raises(RaySystemError, match="unknown: odd"):
                await peer.ask("odd", None)
            peer.end(RaySystemError("done"))
            with pytest.raises(RaySystemError, match="done"):
                await peer.ask("later", 1)

    run(go())


def test_every_message_arrives_once_and_in_order_however_often_the_stream_breaks(tmp_path):
    async def go():
        async with Ends(tmp_path) as ends:
            peer = ends.client()
            await peer.ask("later", 0)
            for number in range(400):
                peer.tell("n", number)
                if number % 40 == 20:
                    # The stream ends under what is being sent.
                    await asyncio.sleep(0)
                    stream = ends.peers[0].session._stream
                    if stream is not None:
                        await stream.close()
                elif number % 3 == 0:
                    await asyncio.sleep(0.001)
            assert await peer.ask("later", "last") == "last"
            assert ends.heard == [("n", number) for number in range(400)]
            assert len(ends.ups) > 5 and not any(ends.ups)
            assert len(ends.peers) == 1
            peer.end(RaySystemError("done"))

    run(go())


def test_a_side_that_was_started_again_is_asked_again(tmp_path):
    async def go():
        first = Ends(tmp_path)
        async with first:
            peer = first.client()
            await peer.ask("later", 1)
        waiting = peer.ask("later", 2)
        (tmp_path / "s").unlink(missing_ok=True)
        async with Ends(tmp_path):
            assert await waiting == 2
            assert first.ups == [False, True]
            peer.end(RaySystemError("done"))

    run(go())


def test_what_was_asked_before_the_session_was_forgotten_is_not_answered():
    """Whoever forgot it counts its questions anew: a late answer would be taken for that to another question."""

    class Sent(list):
        def send(self, message, _size=0):
            self.append(message)

    async def go():
        answers = {name: asyncio.get_running_loop().create_future() for name in ("old", "new")}
        sent = Sent()
        peer = Peer("head", PeerHandlers(request=lambda method, _payload, _peer: answers[method]), lambda: sent)
        peer.message((REQUEST, 1, "old", None))
        peer.up(True)
        peer.message((REQUEST, 1, "new", None))
        for name in ("old", "new"):
            answers[name].set_result(name)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sent == [(RESPONSE, 1, "new")]

    run(go())


def test_whoever_has_another_token_is_turned_away(tmp_path):
    async def go():
        async with Ends(tmp_path) as ends:
            with pytest.raises(AuthenticationError, match="not this cluster's"):
                await ends.client(token="guess").ask("later", 1)
            assert ends.peers == []

    run(go())


def test_a_side_that_stays_away_is_given_up(tmp_path):
    async def go():
        ends = Ends(tmp_path)
        with pytest.raises(RaySystemError, match="cannot be reached"):
            await ends.client(give_up_s=0.3).ask("later", 1)
        async with Ends(tmp_path, grace_s=0.1) as ends:
            peer = ends.client()
            await peer.ask("later", 1)
            peer.end(RaySystemError("done"))
            await ends.ended.wait()

    run(go())


def test_bytes_that_are_no_packet_end_the_session_and_not_the_server(tmp_path):
    async def go():
        async with Ends(tmp_path) as ends:
            metadata = [("authorization", "Bearer secret"), ("x-astune-session", "s"), ("x-astune-received", "new")]
            metadata.append(("x-astune-process", "stranger"))
            async with grpc.aio.insecure_channel(ends.target) as channel:
                for data in (b"\xff\xff\xff", b"\x08\x01\x1a\x02\xc1\xc1"):
                    call = channel.stream_stream(LINK_PATH)(metadata=metadata)
                    await call.initial_metadata()
                    await call.write(data)
                    await asyncio.wait_for(ends.ended.wait(), 5)
                    ends.ended.clear()
                    call.cancel()
            peer = ends.client()
            assert await peer.ask("later", "still here") == "still here"
            peer.end(RaySystemError("done"))

    run(go())


def test_a_message_that_is_too_large_fails_alone(tmp_path):
    async def go():
        async with Ends(tmp_path) as ends:
            peer = ends.client()
            small = peer.ask("later", 1)
            with pytest.raises(RaySystemError, match="6[56] MiB cannot be sent"):
                await peer.ask("later", b"x" * (65 << 20))
            assert await small == 1 and await peer.ask("later", 2) == 2
            peer.end(RaySystemError("done"))

    run(go())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_over_tcp_only_certificates_of_the_cluster_are_taken(tmp_path):
    def certificate(name, authority):
        key, cert, ca = tmp_path / f"{name}.key", tmp_path / f"{name}.pem", tmp_path / f"{authority}.pem"
        subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2", "-nodes"]
        signed = [] if name == authority else ["-CA", str(ca), "-CAkey", str(tmp_path / f"{authority}.key")]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-keyout", str(key), "-out", str(cert)]
        subprocess.run([*command, *subject, *signed], check=True, capture_output=True)
        return Tls(str(cert), str(key), str(ca))

    async def go():
        for authority in ("ours", "theirs"):
            certificate(authority, authority)
        here, there, stranger = certificate("here", "ours"), certificate("there", "ours"), certificate("x", "theirs")
        ends = Ends(tmp_path)
        port = ends.server.bind("127.0.0.1:0", here)
        await ends.server.start()
        address = f"127.0.0.1:{port}"
        peer = ends.client(address=address, tls=there)
        assert await peer.ask("later", 1) == 1
        peer.end(RaySystemError("done"))
        for tls in (stranger, None):
            with pytest.raises(RaySystemError, match="cannot be reached"):
                await ends.client(address=address, tls=tls, give_up_s=0.5).ask("later", 1)
        await ends.server.close()

    run(go())


def test_a_host_ends_with_its_node_agent(tmp_path):
    settings = {"hostId": "h", "nodeId": "n", "ip": "127.0.0.1", "headAddress": "127.0.0.1:1"}
    settings |= {"agentSocket": str(tmp_path / "agent"), "sessionFolder": str(tmp_path)}
    command = [sys.executable, "-m", "astune_runtime", json.dumps(settings)]
    env = {**os.environ, "PYTHONPATH": str(runtime_support.ROOT / "runtime" / "python"), "ASTUNE_AUTH_TOKEN": "t"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=env) as host:
        host.stdin.close()
        assert host.wait(30) == 0
