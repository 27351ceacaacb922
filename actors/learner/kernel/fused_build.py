"""Builds csrc/ with nvcc for the GPU that is there, once, and loads it. Nothing but nvcc and its host compiler is needed."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "csrc"


class BuildError(Exception):
    """Why there is no compiled kernel, in one line."""


def find_nvcc() -> str | None:
    """$CUDA_HOME's, the PATH's, /usr/local/cuda's, or that of NVIDIA's Python packages; None where there is none."""
    homes = [Path(os.environ[k]) for k in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(k)]
    on_path = shutil.which("nvcc")
    places = [home / "bin" / "nvcc" for home in homes]
    places += [Path(on_path)] if on_path else []
    places.append(Path("/usr/local/cuda/bin/nvcc"))
    for folder in sys.path:
        places += sorted(Path(folder or ".").glob("nvidia/cu[0-9]*/bin/nvcc"))
    return next((str(p) for p in places if os.access(p, os.X_OK)), None)


def architecture(capability: tuple[int, int]) -> str:
    """nvcc's target. 9.0 is built as sm_90a: the fused product needs wgmma."""
    number = f"{capability[0]}{capability[1]}" + ("a" if capability == (9, 0) else "")
    return f"-gencode=arch=compute_{number},code=sm_{number}"


def cache_folder() -> Path:
    """Where builds are kept: $XDG_CACHE_HOME/astune/head-kernel, by default under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "astune" / "head-kernel"


def build(capability: tuple[int, int]) -> Path:
    """The shared library for this source, compiler and capability; built if it is not there. Raises BuildError."""
    nvcc = find_nvcc()
    if nvcc is None:
        raise BuildError("no nvcc was found (CUDA_HOME, PATH, /usr/local/cuda, NVIDIA's Python packages)")
    target = architecture(capability)
    try:
        version = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"{nvcc} --version: {error}") from error
    digest = hashlib.sha256((version + target).encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    library = cache_folder() / digest.hexdigest()[:20] / "head.so"
    if library.exists():
        return library
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        # Processes that build at once each build their own; the last to finish replaces an equal file.
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            made = Path(scratch) / "head.so"
            root = Path(nvcc).parent.parent
            command = [nvcc, "-O3", "-std=c++17", target, "-shared", "-Xcompiler", "-fPIC", "-o", str(made)]
            command += [f"-I{root / 'include'}", f"-L{root / 'lib'}", str(SOURCES / "fused_head.cu")]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()]
                raise BuildError(f"nvcc failed: {lines[0] if lines else f'exit code {done.returncode}'}")
            os.replace(made, library)
    except OSError as error:
        raise BuildError(f"{library}: {error}") from error
    return library


def load(capability: tuple[int, int]) -> ctypes.CDLL:
    """The library, ready to be called. Raises BuildError."""
    path = build(capability)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(f"{path}: {error}") from error
