"""What a Python host process runs: `python -m astune_runtime SETTINGS`, the settings as JSON."""

import json
import os
import sys

# A forked child of the user's code has no use for gRPC, and gRPC none for being asked.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from .api import TOKEN_VARIABLE  # noqa: E402
from .host import HostProcess  # noqa: E402

# What the user's code starts need not know the token.
HostProcess(json.loads(sys.argv[1]), os.environ.pop(TOKEN_VARIABLE, "")).serve()
