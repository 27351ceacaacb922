"""The packages of this repository, for the tests of the Python runtime."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in ("runtime/python", "actors/python"):
    sys.path.insert(0, str(ROOT / folder))

for needed in ("grpc", "msgpack", "numpy"):
    pytest.importorskip(needed)
