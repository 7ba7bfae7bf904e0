"""A preloaded process with one thread that forks a fresh process for each request.

Started as a program with the descriptor of its control socket as its last argument; it imports nothing of ours.
A request is one message of JSON with the descriptors that belong to it:

- `{"op": "preload", "modules", "aloud"}` is answered with `{"unfit": [module, why] | null}`, and with one that is
  unfit, such as one that says something unless it is `aloud`, it may not be used any more;
- `{"op": "fork", "job": "kernel" | "worker", ...}` with `{"pid"}`;
- `{"op": "check"}` with `{"unsafe": why, or ""}`: whether it may still fork;
- `{"op": "retire"}`: it ends once its last child has.

Each end of a child is told as `{"ended": pid, "status": as in subprocess}`. When the socket is closed the starter
is gone, and so are all its children.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.util
import io
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

IDLE_S = 300.0
"""It ends when it was asked for nothing for so long and has no children."""
LOOK_S = 5.0
"""How often it looks whether its starter is still there, in case a fork of that holds the socket open."""
LONGEST_MESSAGE = 1 << 20

Job = Callable[[], None]


def main() -> None:
    """The program: in the zygote it serves, in each child it does the child's job and ends as a program does."""
    atexit.register(_end_early)
    control = socket.socket(fileno=int(sys.argv.pop()))
    control.set_inheritable(False)
    del sys.path[0]
    with contextlib.suppress(ValueError):
        sys.path.remove("")
    job = Zygote(control).serve()
    if job is not None:
        job()


class Zygote:
    """Serves one starter."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._starter = os.getppid()
        self._children: set[int] = set()
        self._retired = False
        self._stamps: dict[str, tuple[int, int]] = {}
        self._wake, wake = socket.socketpair()
        for end in (self._wake, wake):
            end.setblocking(False)
        self._wake_end = wake
        self._asked = time.monotonic()
        self._began_with = dict(os.environ)

    def serve(self) -> Job | None:
        """None when it is over; in a child, what the child is to do."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_end.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._over():
                ready = {key.fileobj for key, _ in selector.select(LOOK_S)}
                if self._wake in ready:
                    self._reap()
                if self._control in ready:
                    job = self._answer()
                    if job is not None:
                        return job
        self._end()
        return None

    def _over(self) -> bool:
        idle = self._retired or time.monotonic() - self._asked > IDLE_S
        return os.getppid() != self._starter or (idle and not self._children)

    def _end(self) -> None:
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        os._exit(0)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: Mapping[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError:
            self._end()

    def _answer(self) -> Job | None:
        data, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_MESSAGE, 8)
        if not data:
            self._end()
        self._asked = time.monotonic()
        request = json.loads(data)
        if request["op"] == "preload":
            self._tell({"unfit": self._preload(request["modules"], request["aloud"])})
        elif request["op"] == "check":
            self._tell({"unsafe": self._unsafe()})
        elif request["op"] == "retire":
            self._retired = True
        else:
            return self._fork(request, descriptors)
        return None

    # --- preloading ---

    def _preload(self, modules: list[str], aloud: bool) -> tuple[str, str] | None:
        """The first module that is unfit, and why; those after it were not imported."""
        for module in modules:
            why = _import(module, aloud)
            if why:
                return module, why
        self._stamps = _stamps()
        gc.collect()
        gc.freeze()
        return None

    # --- forking ---

    def _fork(self, request: dict[str, Any], descriptors: list[int]) -> Job | None:
        pid = os.fork()
        if pid == 0:
            self._leave()
            return lambda: _child(
                {**request, "env": {**self._set_by_imports(), **request["env"]}}, descriptors
            )
        for descriptor in descriptors:
            os.close(descriptor)
        self._children.add(pid)
        self._tell({"pid": pid})
        return None

    def _set_by_imports(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if self._began_with.get(name) != value}

    def _unsafe(self) -> str:
        """Why no fork may be made now, or nothing."""
        if _threads() > 1:
            return "it has more than one thread"
        changed = next((file for file, stamp in self._stamps.items() if _stamp(file) != stamp), None)
        return f"{changed} has changed" if changed else ""

    def _leave(self) -> None:
        """In a child: nothing of the zygote's own is left."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for end in (self._control, self._wake, self._wake_end):
            end.close()
        os.setsid()
        _die_with_parent()


def _stamps() -> dict[str, tuple[int, int]]:
    """Of what it has read: modules, and the configuration that kernels begin with."""
    files = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    if "IPython" in sys.modules:
        profile = os.path.join(sys.modules["IPython"].paths.get_ipython_dir(), "profile_default")
        files |= {os.path.join(profile, name) for name in ("ipython_config.py", "ipython_kernel_config.py")}
    return {file: _stamp(file) for file in files}


def _stamp(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() == 1:
        os._exit(1)


# --- what may be preloaded ---


def _import(module: str, aloud: bool) -> str:
    """Why the module must not be imported here, or nothing: a notebook may not notice that it was."""
    parent, _, name = module.rpartition(".")
    if hasattr(sys.modules.get(parent), name):
        return ""
    try:
        with _heard() as heard:
            importlib.import_module(module)
            if not aloud and heard():
                return "importing it says something"
    except ModuleNotFoundError as error:
        return "" if error.name == module else f"importing it needs {error.name}"
    except BaseException as error:
        return f"importing it raises {type(error).__name__}: {error}"
    if _threads() > 1:
        _fork_for_nothing()
    if _threads() > 1:
        return "importing it starts threads"
    if any("/dev/nvidia" in target for target in _open_files()):
        return "importing it opens the GPU"
    return ""


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _fork_for_nothing() -> None:
    """What minds forks, such as OpenBLAS, has ended its threads before one, and starts them when they are needed."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _open_files() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{descriptor}")


@contextlib.contextmanager
def _heard() -> Iterator[Callable[[], bool]]:
    """Whether anything was written to stdout or stderr within the block."""
    kept, memory = (os.dup(1), os.dup(2)), os.memfd_create("heard")
    os.dup2(memory, 1)
    os.dup2(memory, 2)
    try:
        yield lambda: _flush() and os.fstat(memory).st_size > 0
    finally:
        _flush()
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(memory)


def _flush() -> bool:
    sys.stdout.flush()
    sys.stderr.flush()
    return True


# --- what a child does ---


def _child(request: dict[str, Any], descriptors: list[int]) -> None:
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    _settle(request)
    _own_randomness()
    importlib.invalidate_caches()
    if request["job"] == "kernel":
        _kernel(request, *descriptors[3:])
    else:
        _worker(request, *descriptors[3:])


def _own_randomness() -> None:
    """`random` sees to itself; whoever was preloaded does not."""
    for name in ("numpy.random", "torch"):
        if name in sys.modules:
            sys.modules[name].seed()


def _settle(request: Mapping[str, Any]) -> None:
    """The process works where it is told to, with these changes to its environment."""
    os.chdir(request["cwd"])
    for name in request["unset"]:
        os.environ.pop(name, None)
    os.environ.update(request["env"])


def _worker(request: Mapping[str, Any], replies: int) -> None:
    """As `worker.py` started as a program."""
    if "matplotlib" in sys.modules and "MPLBACKEND" not in os.environ:
        sys.modules["matplotlib"].use("agg")
    sys.path.insert(0, request["path"])
    from nbsched.kernels import worker

    sys.argv[:] = [worker.__file__, request["entry"], str(replies)]
    worker.main()


def _kernel(request: Mapping[str, Any], channel: int | None = None) -> None:
    """An ipykernel; with a channel it makes itself ready and waits to be told where to work."""
    from ipykernel import kernelapp

    class IPKernelApp(kernelapp.IPKernelApp):
        """Does last what depends on where it works."""

        def init_gui_pylab(self) -> None: ...
        def init_extensions(self) -> None: ...
        def init_code(self) -> None: ...

        def finish(self) -> None:
            super().init_gui_pylab()  # type: ignore[no-untyped-call]
            super().init_extensions()  # type: ignore[no-untyped-call]
            super().init_code()  # type: ignore[no-untyped-call]

    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv[:] = [str(launcher and launcher.origin), *request["argv"]]
    sys.orig_argv[-2:] = ["-m", "ipykernel_launcher", *request["argv"]]
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(request["argv"])  # type: ignore[no-untyped-call] # as is ipykernel
    if channel is not None:
        _settle(_told(channel))
    app.finish()
    before = set(sys.modules)
    app.start()  # type: ignore[no-untyped-call]
    _before.update(before)


_before: set[str] = set()
"""The modules that a kernel which has served its time had when it began; empty in any other process."""


def _end_early() -> None:
    """The last of a kernel's callbacks at its exit: what libraries have held since before the fork stays as it is.

    To take all of that apart would copy the memory that is shared with the zygote, for nothing. IPython has emptied
    the notebook's namespace by now; the user's modules are emptied here, and files written out.
    """
    if not _before:
        return
    for name in [name for name in sys.modules if name not in _before][::-1]:
        if _is_own(getattr(sys.modules[name], "__file__", None) or ""):
            vars(sys.modules[name]).clear()
    gc.collect()
    for found in gc.get_objects():
        if isinstance(found, io.IOBase) and not found.closed:
            with contextlib.suppress(Exception):
                found.flush()
    os._exit(0)


def _is_own(file: str) -> bool:
    """Whether it is a module of the user's."""
    standard = os.path.dirname(os.__file__)
    return bool(file) and "-packages" + os.sep not in file and not file.startswith(standard)


def _told(channel: int) -> dict[str, Any]:
    """What the starter says; without a word the process ends."""
    with os.fdopen(channel, "rb") as said:
        line = said.readline()
    if not line.endswith(b"\n"):
        os._exit(0)
    told: dict[str, Any] = json.loads(line)
    return told


if __name__ == "__main__":
    main()
