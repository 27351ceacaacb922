"""Packets, frames and failures: what arrives is read as it was sent, and what cannot be read is refused."""

import random

import pytest
import runtime_support  # noqa: F401
from astune_runtime.errors import ActorDiedError, RayTaskError, RemoteError, register_error_class
from astune_runtime.failures import decode_failure, encode_failure, task_error
from astune_runtime.frames import decode_frame, encode_frame
from astune_runtime.packets import Packet, decode_packet, encode_packet


@pytest.mark.parametrize(
    "packet",
    [
        Packet(0, 0, b""),
        Packet(1, 0, b"x"),
        Packet(0, 2**32 - 1, b""),
        Packet(127, 128, bytes(range(256)) * 600),
    ],
)
def test_a_packet_is_read_as_it_was_sent(packet):
    assert decode_packet(encode_packet(packet)) == packet


def test_a_packet_has_the_bytes_of_protocol_buffers():
    assert encode_packet(Packet(1, 300, b"ab")).hex() == "0801" + "10ac02" + "1a026162"


def test_fields_of_a_later_version_are_passed_over():
    later = encode_packet(Packet(5, 6, b"frame")) + b"\x20\x07" + b"\x2a\x03new"
    assert decode_packet(later) == Packet(5, 6, b"frame")


def test_bytes_that_are_no_packet_or_frame_are_refused_and_never_more():
    random_bytes = random.Random(1)
    refused = 0
    for _ in range(3000):
        data = random_bytes.randbytes(random_bytes.randrange(1, 40))
        for decode in (decode_packet, decode_frame):
            try:
                decode(data)
            except ValueError:
                refused += 1
    assert refused > 3000
    for frame in (b"\x01", b"\x91\x01", encode_frame([[]]), b"\xc1", b""):
        with pytest.raises(ValueError, match=r"not|no "):
            decode_frame(frame)


def test_undefined_of_another_language_is_none():
    assert decode_frame(b"\x91\x92\x0c\xd4\x00\x00") == [[12, None]]


class Spoiled(Exception):
    def __init__(self, day, month):
        raise AssertionError("nothing that arrives is constructed")


def test_an_error_keeps_class_message_fields_traceback_and_cause():
    def inner():
        raise KeyError("x")

    try:
        try:
            inner()
        except KeyError as error:
            outer = ValueError("no luck")
            outer.tries = 3
            outer.odd = object()
            raise outer from error
    except ValueError as error:
        failure = encode_failure(error)
    arrived = decode_failure(failure)
    assert type(arrived) is ValueError and str(arrived) == "no luck"
    assert arrived.tries == 3 and arrived.odd.startswith("<object")
    assert isinstance(arrived.__cause__, KeyError) and arrived.__cause__.args == ("x",)
    assert "in test_an_error_keeps_class" in arrived.traceback_text
    assert "in inner" in arrived.__cause__.traceback_text


def test_no_constructor_of_what_arrives_is_run():
    register_error_class(Spoiled)
    arrived = decode_failure({"className": "Spoiled", "message": "since May", "stack": "", "fields": b"\x80"})
    assert type(arrived) is Spoiled and arrived.args == ("since May",)
    for name in ("SystemExit", "eval", "__import__", "KeyboardInterrupt"):
        assert type(decode_failure({"className": name, "message": "m"})) is RemoteError


def test_what_a_caller_gets_has_two_classes():
    dead = task_error(decode_failure(encode_failure(ProcessLookupError("gone"))), "Shop.sell", "t1", "a1")
    assert isinstance(dead, OSError) and isinstance(dead, RayTaskError)
    assert dead.function_name == "Shop.sell" and dead.actor_id == "a1"
    again = encode_failure(dead)
    assert again["className"] == "ProcessLookupError"
    own = decode_failure(encode_failure(ActorDiedError("it died", actorId="a")))
    assert isinstance(own, ActorDiedError) and own.actorId == "a"
