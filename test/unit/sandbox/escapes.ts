/** What code of a model might try, and what it must see: the same list for every kind of sandbox. */

/** One piece of hostile or odd code. `says` is what stdout must be; the names in `kinds` are those it is meant for. */
export interface Attempt {
  readonly title: string;
  readonly code: string;
  readonly says: string;
  readonly kinds?: readonly ("bubblewrap" | "pyodide")[];
}

/** Code that prints `held` when `body` fails with any exception, and `escaped` when it does not. */
function held(title: string, body: string, kinds?: Attempt["kinds"]): Attempt {
  const lines = body.split("\n").map((line) => `    ${line}`);
  const code = `import os, sys, socket\ntry:\n${lines.join("\n")}\n    print("escaped")\nexcept BaseException as error:\n    print("held")`;
  return { title, code, says: "held\n", ...(kinds && { kinds }) };
}

const bubblewrap = ["bubblewrap"] as const;
const pyodide = ["pyodide"] as const;

/** What must fail. PORT is a port of this machine on which something listens; SECRET a file of the user. */
export const attempts: readonly Attempt[] = [
  held(
    "connect to this machine",
    "s = socket.socket(); s.settimeout(3); s.connect(('127.0.0.1', PORT)); s.sendall(b'x'); assert s.recv(1)",
  ),
  held(
    "connect to the world",
    "s = socket.socket(); s.settimeout(3); s.connect(('1.1.1.1', 80)); s.sendall(b'GET /'); assert s.recv(1)",
  ),
  held(
    "look up a name",
    "socket.gethostbyname('example.com') if sys.platform != 'emscripten' else socket.create_connection(('example.com', 80), 2).recv(1)",
  ),
  held(
    "send a datagram",
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('1.1.1.1', 53))",
    bubblewrap,
  ),
  held("read /etc/shadow", "open('/etc/shadow').read()"),
  held("read /etc/passwd", "open('/etc/passwd').read()"),
  held("read the user's home folder", "assert os.listdir('/root') or os.listdir('/home')", bubblewrap),
  held("read a file of the user", "open('SECRET').read()"),
  held("list the user's folder", "os.listdir(os.path.dirname('SECRET'))"),
  held("read through /proc/1/root", "open('/proc/1/root' + 'SECRET').read()"),
  held("read another process's memory", "open('/proc/1/mem', 'rb').read(16)"),
  held("write to /usr", "open('/usr/x', 'w')"),
  held("write to /", "open('/x', 'w')"),
  held("write to /dev", "open('/dev/x', 'w')", bubblewrap),
  held("write to /proc/sys", "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')"),
  held(
    "write to the standard library",
    "open(os.__file__, 'a').write('x=1') if os.path.exists(os.__file__) else os.unlink(sys.path[1])",
  ),
  held("rename the standard library", "[os.rename(p, p + '2') for p in sys.path if p not in ('', '/tmp')]"),
  held(
    "mount",
    "import ctypes; c = ctypes.CDLL(None); assert c.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    bubblewrap,
  ),
  held("unmount", "import ctypes; c = ctypes.CDLL(None); assert c.umount2(b'/tmp', 2) == 0", bubblewrap),
  held("change its root", "os.chroot('/tmp')"),
  held("become root", "os.setuid(0)"),
  held(
    "make a user namespace with powers",
    "import ctypes; c = ctypes.CDLL(None); assert c.unshare(0x10000000) == 0",
    bubblewrap,
  ),
  held("raise its own limits", "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
  held("make a device", "os.mknod('/tmp/d', 0o020666, os.makedev(1, 3)); open('/tmp/d', 'wb')", bubblewrap),
  held("signal a process outside", "[os.kill(p, 9) for p in (2, 3, 4, os.getppid() or 5)]"),
  held("import js", "import js"),
  held("import pyodide_js", "import pyodide_js"),
  held("run JavaScript", "from pyodide.code import run_js; run_js('1')"),
  held("import Pyodide's core", "import _pyodide_core"),
  held("reload js", "import importlib, sys; importlib.reload(sys.modules['js'])"),
  held(
    "make a JavaScript function",
    "import pyodide_js; pyodide_js.constructor.constructor('return process')()",
    pyodide,
  ),
  held(
    "find JavaScript in the heap",
    "import gc\nfound = [o for o in gc.get_objects() if type(o).__name__ == 'JsProxy']\nfor o in found: print(o.constructor.constructor('return process')().env)\nassert found",
    pyodide,
  ),
];

/** What must work or end as it does in Python. */
export const programs: readonly (Attempt & { readonly returnCode?: number; readonly complains?: RegExp })[] = [
  { title: "prints", code: "print('hello', 6 * 7)", says: "hello 42\n" },
  { title: "a bare expression prints nothing", code: "x = 42\nx", says: "" },
  { title: "is the main program", code: "if __name__ == '__main__': print(__file__)", says: "/tmp/main.py\n" },
  {
    title: "sees its own functions in recursion",
    code: "def f(n): return 1 if n < 2 else n * f(n - 1)\nprint(f(20))",
    says: "2432902008176640000\n",
  },
  {
    title: "classes, dataclasses and comprehensions",
    code: "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint([P(i) for i in range(2)])",
    says: "[P(x=0), P(x=1)]\n",
  },
  {
    title: "the standard library",
    code: "import math, fractions, decimal, datetime, statistics\nprint(math.comb(5, 2), fractions.Fraction(1, 3), decimal.Decimal('0.1'))",
    says: "10 1/3 0.1\n",
  },
  {
    title: "pickles its own class",
    code: "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__name__)",
    says: "A\n",
  },
  {
    title: "an exception",
    code: "print('before')\n1 / 0",
    says: "before\n",
    returnCode: 1,
    complains:
      /^Traceback .*\n {2}File "\/tmp\/main.py", line 2, in <module>\n(.*\n)*ZeroDivisionError: division by zero\n$/,
  },
  {
    title: "a syntax error",
    code: "def f(:",
    says: "",
    returnCode: 1,
    complains: /^ {2}File "\/tmp\/main.py", line 1\n(.*\n)*SyntaxError/,
  },
  { title: "sys.exit()", code: "import sys; sys.exit()", says: "" },
  { title: "sys.exit(3)", code: "import sys; sys.exit(3)", says: "", returnCode: 3 },
  { title: "sys.exit('text')", code: "import sys; sys.exit('text')", says: "", returnCode: 1, complains: /^text\n$/ },
  { title: "exit(2)", code: "exit(2)", says: "", returnCode: 2 },
  { title: "sys.exit(256 + 7)", code: "import sys; sys.exit(263)", says: "", returnCode: 7 },
  { title: "reading stdin finds its end", code: "input('?')", says: "?", returnCode: 1, complains: /EOFError/ },
  { title: "stdin as a stream is empty", code: "import sys; print(repr(sys.stdin.read()))", says: "''\n" },
  {
    title: "stderr and stdout stay apart",
    code: "import sys; print('o'); print('e', file=sys.stderr)",
    says: "o\n",
    complains: /^e\n$/,
  },
  {
    title: "output that is no UTF-8",
    code: "import sys; sys.stdout.buffer.write(b'a\\xff\\xfeb\\n'); sys.stdout.flush()",
    says: "a\uFFFD\uFFFDb\n",
    kinds: bubblewrap,
  },
  { title: "text of every alphabet", code: "print('数学 ½ 🙂')", says: "数学 ½ 🙂\n" },
  { title: "a null byte in the code", code: "print(1)\0", says: "", returnCode: 1, complains: /null byte/ },
  { title: "atexit", code: "import atexit; atexit.register(print, 'bye')", says: "bye\n" },
  { title: "a file of its own", code: "open('a.txt', 'w').write('x'); print(open('/tmp/a.txt').read())", says: "x\n" },
  {
    title: "a file that grows too large",
    code: "try:\n    f = open('big', 'wb')\n    for _ in range(100): f.write(b'x' * 10**6)\n    f.close()\n    print('wrote')\nexcept OSError: print('held')",
    says: "held\n",
  },
  {
    title: "threads",
    code: "import threading\nt = threading.Thread(target=print, args=('in a thread',)); t.start()",
    says: "in a thread\n",
    kinds: bubblewrap,
  },
  {
    title: "subprocesses",
    code: "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True).stdout)",
    says: "1\n\n",
    kinds: bubblewrap,
  },
  {
    title: "multiprocessing",
    code: "import multiprocessing\ndef f(x): return x * x\nif __name__ == '__main__':\n    with multiprocessing.get_context('fork').Pool(2) as p: print(p.map(f, [1, 2, 3]))",
    says: "[1, 4, 9]\n",
    kinds: bubblewrap,
  },
  {
    title: "a crash of the interpreter",
    code: "import ctypes; ctypes.string_at(0)",
    says: "",
    returnCode: -11,
    kinds: bubblewrap,
  },
  {
    title: "no secrets in the environment",
    code: "import os; print([k for k in os.environ if 'SECRET' in k or 'KEY' in k or 'TOKEN' in k or 'NODE' in k])",
    says: "[]\n",
  },
];
