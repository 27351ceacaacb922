"""Runs in Pyodide: cuts Python off from JavaScript, then gives back the function that runs one piece of code."""

import gc
import sys


def make_runner():
    import atexit
    import types

    class Closed:
        """Answers first when one of the ways to JavaScript is imported."""

        names = ("js", "pyodide_js", "pyodide", "_pyodide", "_pyodide_core", "micropip", "pyodide_http")

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name.split(".")[0] in cls.names:
                raise ModuleNotFoundError("No module named %r" % name, name=name)
            return None

    def exit_status(leaving):
        if leaving.code is None:
            return 0
        if isinstance(leaving.code, int):
            return leaving.code & 0xFF
        print(leaving.code, file=sys.stderr)
        return 1

    def run(code):
        program = types.ModuleType("__main__")
        program.__dict__.update(__file__="/tmp/main.py", __builtins__=__builtins__)
        sys.modules["__main__"] = program
        status = 0
        try:
            with open("/tmp/main.py", "w", encoding="utf-8", errors="replace") as file:
                file.write(code)
            exec(compile(code, "/tmp/main.py", "exec"), program.__dict__)
        except SystemExit as leaving:
            status = exit_status(leaving)
        except BaseException as error:
            frames = error.__traceback__.tb_next
            sys.excepthook(type(error), error.with_traceback(frames), frames)
            status = 130 if isinstance(error, KeyboardInterrupt) else 1
        for finish in (atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):
            try:
                finish()
            except BaseException as error:
                sys.excepthook(type(error), error, error.__traceback__)
        return status

    import os

    os.chdir("/tmp")
    sys.argv = ["/tmp/main.py"]
    sys.path.insert(0, "/tmp")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)
    sys.meta_path[:] = [Closed] + [each for each in sys.meta_path if "pyodide" not in type(each).__module__]
    for name in list(sys.modules):
        if name.split(".")[0] in Closed.names:
            del sys.modules[name]
    return run


import collections, datetime, decimal, fractions, functools, itertools, json, math, random, re, statistics, string  # noqa: E401,F401,E402

gc.collect()
make_runner()
