"""Values and objects as Python writes and reads them: the same bytes as TypeScript's, without a copy."""

import gc
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "runtime" / "python"))

from astune_runtime.arrays import Tensor  # noqa: E402
from astune_runtime.objects import length_of, object_parts, object_sections  # noqa: E402
from astune_runtime.store import WritableSegments, read_segment  # noqa: E402
from astune_runtime.values import SerializationError, ValueCodec  # noqa: E402


class Ref:
    pass


class Handle:
    pass


CODEC = ValueCodec(object_class=Ref, actor_class=Handle)


def stored(value, folder):
    """The value in a segment's file; its path and length."""
    encoded = CODEC.encode_for_transfer(value, limit=0)
    parts = object_parts(encoded.data, encoded.buffers, b"companions")
    path = folder / "1"
    capacity = length_of(parts) + 1000
    path.write_bytes(bytes(capacity))
    segments = WritableSegments(folder)
    length = segments.write("1", capacity, parts)
    segments.close()
    return path, length


def read(view):
    sections = object_sections(view)
    return CODEC.decode(sections.head, buffers=sections.buffers)


def same(a, b):
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and same(a.data, b.data)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and bool(np.all(a == b))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


VALUES = [
    None,
    True,
    -(2**63),
    2**64 - 1,
    2**200,
    -(2**200),
    1.5,
    "text ∑",
    b"bytes",
    b"x" * 10_000,
    [1, [2, {"a": None}]],
    datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc),
    np.zeros(0, np.float32),
    np.array(3.0),
    np.arange(10_000, dtype=np.int16).reshape(100, 100),
    np.array([True, False] * 5000),
    np.arange(5000, dtype=np.float16),
    Tensor("bf16", np.arange(6000, dtype=np.uint16).reshape(2, 3000)),
    {"weights": [np.ones((50, 50)), np.ones(3, np.uint8)], "name": "x"},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_arrives_as_it_was_in_a_call_and_in_the_store(value, tmp_path):
    encoded = CODEC.encode(value)
    assert same(value, CODEC.decode(encoded.data))
    path, length = stored(value, tmp_path)
    assert same(value, read(read_segment(path, length)))


def test_the_bytes_are_those_that_typescript_writes():
    value = {"a": [1, "x"], "f": np.array([1, 2], np.float32)}
    expected = "82a1619201a178a166" + "c71141" + "01" + "026634" + "0102000000" + "0000803f00000040"
    assert CODEC.encode(value).data.hex() == expected


def test_arrays_that_are_not_contiguous_or_of_the_other_byte_order_are_put_right():
    array = np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2]
    assert CODEC.decode(CODEC.encode(array).data).tolist() == array.tolist()


def test_references_and_handles_go_beside_the_value_in_the_order_of_their_numbers():
    refs, handle = [Ref(), Ref()], Handle()
    encoded = CODEC.encode({"a": refs[0], "h": [handle], "b": refs[1]})
    assert encoded.objects == refs and encoded.actors == [handle]
    assert CODEC.decode(encoded.data, ["r0", "r1"], ["h0"]) == {"a": "r0", "h": ["h0"], "b": "r1"}
    with pytest.raises(ValueError, match="reference 1 is not beside the value"):
        CODEC.decode(encoded.data, ["r0"], ["h0"])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [{1, 2}]}, "value['a'][0]"),
        ({"f": print}, "value['f']"),
        ([np.array(["text"])], "value[0]"),
        ({"a": {1: 2}}, "value['a']"),
        ({"__proto__": 1}, "value"),
        ([datetime(2026, 1, 1)], "value[0]"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_path(value, path):
    with pytest.raises(SerializationError, match="cannot leave its process") as caught:
        CODEC.encode(value)
    assert caught.value.path == path


def test_a_circle_is_refused_and_the_same_list_twice_is_none():
    circle = []
    circle.append(circle)
    with pytest.raises(SerializationError, match="break the circle"):
        CODEC.encode(circle)
    shared = [1]
    assert CODEC.decode(CODEC.encode([shared, shared]).data) == [[1], [1]]


def test_a_value_is_large_by_its_whole_length():
    assert not CODEC.encode_for_transfer(np.zeros(12_000)).is_large
    assert CODEC.encode_for_transfer(np.zeros(13_000)).is_large
    assert CODEC.encode_for_transfer([np.zeros(7000), bytes(60_000)]).is_large
    text = CODEC.encode_for_transfer({"t": "x" * 200_000, "a": np.zeros(1000)})
    assert text.is_large and text.buffers == ()


def test_large_arrays_lie_over_the_segment_and_cannot_be_written_to(tmp_path):
    path, length = stored({"a": np.arange(10_000.0), "small": np.arange(3)}, tmp_path)
    value = read(read_segment(path, length))
    assert value["a"].ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        value["a"][0] = 1
    value["small"][0] = 1
    at = path.read_bytes().index(np.arange(10_000.0).tobytes())
    with path.open("r+b") as file:
        file.seek(at)
        file.write(np.float64(42).tobytes())
    assert value["a"][0] == 42


def test_the_segment_is_given_back_when_the_last_array_over_it_is_gone_and_not_before(tmp_path):
    path, length = stored([np.arange(10_000.0), np.ones(10_000)], tmp_path)
    gone = []
    first, second = read(read_segment(path, length, lambda: gone.append(True)))
    part = second[5:7]
    del first, second
    gc.collect()
    assert gone == []
    assert part.tolist() == [1, 1]
    del part
    gc.collect()
    assert gone == [True]


def test_a_segment_that_is_written_again_is_mapped_once_and_holds_the_new_object(tmp_path):
    (tmp_path / "1").write_bytes(bytes(100))
    segments = WritableSegments(tmp_path)
    assert segments.write("1", 100, [b"first object"]) == 12
    assert segments.write("1", 100, [b"an", memoryview(b"other")]) == 7
    assert bytes(read_segment(tmp_path / "1", 7)) == b"another"
    with pytest.raises(ValueError, match="101 bytes do not fit segment 1 of 100"):
        segments.write("1", 100, [bytes(101)])
    segments.close()


def test_an_object_that_is_cut_short_or_none_is_an_error(tmp_path):
    path, length = stored({"a": np.arange(1000.0)}, tmp_path)
    content = path.read_bytes()[:length]
    for cut in range(0, length, 7):
        with pytest.raises((ValueError, OSError)):
            read(memoryview(content[:cut]))
    with pytest.raises(ValueError, match="no stored object"):
        object_sections(memoryview(b"x" * 100))
