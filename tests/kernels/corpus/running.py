"""What cells may do to their kernel, its process and other processes."""

from __future__ import annotations

from tests.kernels.corpus.case import EXPECTED, case, code, expected_to_raise

CASES = (
    case(
        "awaiting",
        "import asyncio\nawait asyncio.sleep(0.01)\nprint('slept')",
        "async def numbers():\n    for n in range(3):\n        await asyncio.sleep(0)\n        yield n\n[n async for n in numbers()]",
        "async for n in numbers(): print(n)",
        "async with asyncio.timeout(5): print(await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3))))",
        "asyncio.get_running_loop().is_running()",
        expected_to_raise("asyncio.run(asyncio.sleep(0))"),
        """
        go, done = asyncio.Event(), asyncio.Event()
        async def left_running():
            await go.wait()
            print("from a task left running")
            display("from a task left running")
            done.set()
        task = asyncio.create_task(left_running())
        print("started")
        """,
        "print('before'); go.set(); await done.wait(); print('after')",
        """
        import threading
        start = threading.Event()
        def late():
            start.wait()
            print("from a thread")
        thread = threading.Thread(target=late); thread.start()
        """,
        "print('before'); start.set(); thread.join(); print('after')",
        "await asyncio.to_thread(print, 'from a worker thread')",
        "for n in range(3): (one := threading.Thread(target=print, args=('thread', n))).start(); one.join()",
        "%autoawait",
        "asyncio.create_task(asyncio.sleep(60)); None",
        raised=EXPECTED,
    ),
    case(
        "magics",
        "%%capture captured\nprint('captured'); display('captured')",
        "captured.stdout, len(captured.outputs)",
        "captured.show()",
        "%%bash\necho from bash; pwd",
        "%%bash\necho to stderr >&2",
        expected_to_raise("%%bash\nexit 3"),
        "%%sh --out said\necho said",
        "said",
        "%%writefile written.py\nprint('run', __name__)\nvalue = 7",
        "%run written.py\nvalue",
        "%%writefile -a written.py\nprint('more é')",
        "!cat written.py",
        "listing = !ls written.py\nlisting",
        "!echo to stdout; echo to stderr >&2; exit 4",
        "_exit_code",
        "%env OWN=value",
        "%env OWN",
        "!echo $OWN {1 + 1}",
        "%%html\n<b>html</b>",
        "%%latex\n$x$",
        "%%markdown\n**md**",
        "%%javascript\n1",
        "%%svg\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        "%pwd",
        "%mkdir sub\n%cd sub",
        "%cd ..",
        "%who_ls",
        "%precision 3\n3.14159265",
        "%xmode Plain",
        expected_to_raise("def f(): 1 / 0\nf()"),
        "%xmode Context",
        "%config InlineBackend.figure_format = 'retina'",
        "%config IPCompleter.greedy",
        "%alias say echo said",
        "%say it",
        "len?",
        "%%python3 -c 'import sys; print(sys.argv)'\n",
        "%macro again 2",
        "%load_ext autoreload\n%autoreload 2",
        "%%script cat\nas it is: {not} $expanded",
        raised=EXPECTED,
    ),
    case(
        "its own surroundings",
        "__name__, __doc__",
        "import sys\n[part for part in sys.argv if 'json' not in part][1:], len(sys.argv), sys.orig_argv[1:3]",
        "sys.path",
        "import os\nos.getcwd()",
        "'in.ipynb' in os.listdir('.')",
        "[name for name in sorted(os.environ) if not name.startswith('NBSCHED_')]",
        "{name: value for name, value in os.environ.items() if name in ('PATH', 'HOME', 'LANG', 'TERM', 'PAGER', 'MPLBACKEND', 'CLICOLOR', 'FORCE_COLOR')}",
        "{part: sorted(options) for part, options in get_ipython().config.items()}",
        "type(get_ipython()), type(get_ipython().kernel), get_ipython().kernel.user_ns is globals()",
        "get_ipython().history_manager.hist_file, get_ipython().colors, get_ipython().autocall",
        "sorted(name for name in globals() if not name.startswith('_i'))",
        "sys.flags, sys.warnoptions, sys.dont_write_bytecode, sys.getrecursionlimit(), sys.getswitchinterval()",
        "sys.executable, sys.prefix == sys.base_prefix, sys.stdin.__class__, sys.stdin.readable()",
        "import locale, signal, threading, gc\nlocale.getlocale(), gc.isenabled(), gc.get_threshold()",
        "signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGCHLD)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, []), os.umask(0o22), os.nice(0)",
        "import resource\nresource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)",
        "os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid(), os.getppid() > 1",
        "threading.current_thread() is threading.main_thread(), sorted(t.name.split('-')[0] for t in threading.enumerate())",
        "import faulthandler\nfaulthandler.is_enabled()",
        "sys.__stdout__.fileno(), sys.__stderr__.fileno(), sys.__stdin__.read()",
        "import atexit, multiprocessing, decimal, warnings\nmultiprocessing.get_start_method(), decimal.getcontext()",
        "[filter[:3] for filter in warnings.filters]",
        "import logging\nlogging.getLogger().handlers, logging.getLogger().level, sorted(logging.root.manager.loggerDict)[:0]",
        "import asyncio\ntype(asyncio.get_event_loop_policy()), type(asyncio.get_running_loop())",
        "sys.displayhook, sys.excepthook, sys.breakpointhook.__module__",
        "import builtins\nsorted(set(dir(builtins)) - {'_'})[-80:], builtins.input.__module__",
        "sys.gettrace(), sys.getprofile(), threading.gettrace()",
        as_run=True,
    ),
    case(
        "what it remembers",
        "1 + 1",
        "_ + 1",
        "_, __, ___",
        "In[1], Out, _oh is Out, _i1, _ii",
        "get_ipython().execution_count",
        "",
        "   \n",
        "# only a comment",
        "# papermill_description=described\n'described'",
        "%history -n 1-3",
        "get_ipython().set_next_input('next'); 'next'",
        "_ = 'shadowed'",
        "_",
        "repr(exit), repr(quit)",
        "Out[2]",
    ),
    case(
        "other processes",
        "import os, subprocess, sys, time, signal",
        "os.write(1, b'written to fd 1\\n'); time.sleep(0.3)",
        "os.write(2, b'written to fd 2\\n'); time.sleep(0.3)",
        "subprocess.run(['echo', 'from a child é']); time.sleep(0.3)",
        "subprocess.run(['sh', '-c', 'echo to stderr >&2']); time.sleep(0.3)",
        "subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv, sys.stdin.read())'], capture_output=True, text=True)",
        "subprocess.check_output('cat', text=True), os.system('exit 3') >> 8",
        "background = subprocess.Popen(['sleep', '600']); background.poll()",
        """
        import math, multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(math.sqrt, [4, 9]))
        """,
        """
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool: print(pool.map(math.sqrt, [16]))
        """,
        "def shout(): print('from a fork', flush=True)\nchild = multiprocessing.get_context('fork').Process(target=shout)\nchild.start(); child.join(); time.sleep(0.3); child.exitcode",
        "if (pid := os.fork()) == 0: os._exit(7)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])",
        "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(1, multiprocessing.get_context('fork')) as pool: print(pool.submit(len, 'four').result())",
        "signal.signal(signal.SIGUSR1, lambda *_: print('signalled')); os.kill(os.getpid(), signal.SIGUSR1)",
        "signal.setitimer(signal.ITIMER_REAL, 0.05); signal.signal(signal.SIGALRM, lambda *_: print('alarm')); time.sleep(0.2)",
        expected_to_raise("os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"),
        "import faulthandler; faulthandler.enable(); faulthandler.disable()",
        "import tempfile; open(os.path.join(tempfile.gettempdir(), 'x' + str(os.getpid())), 'w').close(); os.remove(os.path.join(tempfile.gettempdir(), 'x' + str(os.getpid())))",
        raised=EXPECTED,
    ),
    case(
        "its end",
        "import atexit, threading, time\nopen('threads', 'w').write(str(threading.active_count() > 0))",
        "unflushed = open('unflushed', 'w'); unflushed.write('written é')",
        "def at_exit():\n    time.sleep(1.2); open('at-exit', 'w').write('done'); print('said at exit')\natexit.register(at_exit); None",
        "class Last:\n    def __del__(self): open('deleted', 'w').write('done')\nlast = Last()",
        "print('said last')",
        as_run=True,
    ),
    case("exit and quit", "exit", "print(exit, quit)", "exit()"),
    case(
        "parameters given",
        code(
            "# the defaults\nn: int = 1\ntext = 'default'\nratio = 0.5\nflag = False\nmany = []\nnested = {}\nnothing = None\nkept = 'kept'",
            "parameters",
        ),
        "n, text, ratio, flag, many, nested, nothing, kept",
        parameters={
            "n": 7,
            "text": "Grüße \"quoted\" 'single' \\ back\nline 🎉 {n} $HOME",
            "ratio": -1e-9,
            "flag": True,
            "many": [1, "zwei", [None, False]],
            "nested": {"schlüssel": {"x": 1.5}},
            "nothing": None,
        },
        as_run=True,
    ),
)
