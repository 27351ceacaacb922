"""Entry of the kernel: `python main.py` speaks the protocol of `protocol.py` on its stdin and stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The folder of this file is a package; its modules are entered through it, never as top-level names.
sys.path[0] = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    """Serves requests until stdin closes."""
    # No model or tokenizer is ever fetched from here.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait must sleep: spinning ones take a busy machine's cores from the thread they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from kernel.protocol import Channel

    channel = Channel()
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    from kernel.session import Session, hello

    session = Session(channel)
    try:
        channel.serve(session.methods(), hello)
    finally:
        session.close()
        sys.stderr.flush()
        # Threads of libraries must not keep the process.
        os._exit(0)


if __name__ == "__main__":
    main()
