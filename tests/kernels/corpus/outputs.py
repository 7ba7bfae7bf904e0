"""What a cell may show."""

from __future__ import annotations

from tests.kernels.corpus.case import EXPECTED, case, expected_to_raise

CASES = (
    case(
        "rich outputs",
        """
        from IPython.display import HTML, JSON, SVG, Code, Image, Javascript, Latex, Markdown, Math, display
        display(HTML("<b>bold</b>"), Latex("$e^{i\\\\pi}$"), Math("x^2"), Markdown("**bold**"))
        """,
        """display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'))""",
        """display(JSON({"a": [1, 2.5, None, True, "é"]}, expanded=True), metadata={"isolated": True})""",
        """display(Javascript("1"), Code("x = 1", language="python"))""",
        "display({'text/plain': 'raw', 'application/x-own+json': {'a': [1]}}, raw=True, metadata={'m': {'n': 1}})",
        "display({'text/plain': 'no number', 'application/json': {'nan': float('nan')}}, raw=True)",
        "class Both:\n    def _repr_mimebundle_(self, **_): return {'text/plain': 'p', 'text/html': '<i>h</i>'}, {'text/html': {'k': 1}}\nBoth()",
        expected_to_raise("class Broken:\n    def _repr_html_(self): raise ValueError('no html')\nBroken()"),
        "object()",
        "None",
        "'hidden';",
        "1\n2",
        "[list(range(40))] * 3, {'key': {'nested': set()}}, 'quotes \" and \\' and \\n'",
        "'x' * 5000",
        "b'\\x00\\xff'",
        raised=EXPECTED,
    ),
    case(
        "figures and tables",
        "%matplotlib inline\nimport matplotlib, matplotlib.pyplot as plt\nmatplotlib.get_backend()",
        "plt.plot([1, 2, 3]);",
        "fig, ax = plt.subplots(figsize=(1, 1)); ax.bar(['é', 'b'], [1, 2]); plt.show()\nprint('after the figure')",
        "fig",
        "import numpy as np, pandas as pd\nframe = pd.DataFrame({'naïve': [1, 2], 'b': [np.nan, 'x']}); frame",
        "frame.style.set_uuid('fixed').highlight_null()",
        "frame['naïve'].describe()",
        "np.arange(2000).reshape(20, 100)",
        "from PIL import Image\nImage.new('RGB', (2, 2), 'red')",
    ),
    case(
        "streams",
        """
        import sys
        for number in range(3):
            print("out", number, flush=True)
            print("err", number, file=sys.stderr, flush=True)
        """,
        "for n in range(5):\n    print(f'\\r{n} %', end='', flush=True)\nprint()",
        "print('gone\\b\\b\\b\\bback', 'bell\\a', 'tab\\t', 'nul\\x00', 'form\\f', '\\x1b[31mred\\x1b[0m', sep='|')",
        "print('no end', end='')",
        "print('', end='')",
        "print('\\n\\n')",
        "for n in range(2000): print(n)",
        "print('long ' * 20_000)",
        "print('x' * 1_000_000)",
        "sys.stderr.write('e' * 500_000); None",
        "for n in range(300): display(n)",
        "sys.stdout.write('w'), sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.errors",
        expected_to_raise("sys.stdout.fileno()"),
        "import logging\nlogging.warning('a warning %s', 'é')\nlogging.getLogger('own').error('an error')\nlogging.info('not shown')",
        "import warnings\nwarnings.warn('deprecated', DeprecationWarning)\nwarnings.warn('for users')",
        "def f(): warnings.warn('from a function', RuntimeWarning, stacklevel=2)\nf()",
        "from tqdm import tqdm\nfor _ in tqdm(range(3), ascii=True, bar_format='{l_bar}{bar}|{n}/{total}', mininterval=60): pass",
        raised=EXPECTED,
    ),
    case(
        "letters of the world",
        "größe = 'Grüße'; print(größe, '你好', 'שלום', '🎉👩‍👩‍👧', 'é', '\\u200b|', '\\u2028|', 'ﷺ', '\U0001d518')",
        "# 你好\n'🎉' * 3",
        "from IPython.display import HTML\nHTML('<p title=\"„Zitat“\">ß</p>')",
        "import sys\nprint('stderr: ñ', file=sys.stderr)\nprint(ascii('\\u202e'), '\\u202e')",
        expected_to_raise("raise ValueError('Übel: 悪い 💥')"),
        expected_to_raise("größe = = 1"),
        raised=EXPECTED,
        as_run=True,
    ),
    case(
        "updated and cleared displays",
        "from IPython.display import clear_output, display, update_display\nhandle = display('first', display_id=True)",
        "handle.update('second'); print('updated from here')",
        "display('named', display_id='own'); display('again', display_id='own'); display('other')",
        "update_display({'text/plain': 'raw', 'text/html': '<b>raw</b>'}, display_id='own', raw=True, metadata={'a': {}})",
        "update_display('nobody', display_id='unknown')",
        "print('gone'); display('gone'); clear_output(); print('left')",
        "print('gone'); clear_output(wait=True); print('left')",
        "print('kept'); clear_output(wait=True)",
        "print('a'); clear_output(wait=True); clear_output(); print('b'); clear_output(); ",
        "for n in range(20):\n    clear_output(wait=True); display(n)",
        "h = display('in a cleared cell', display_id=True); clear_output(); display('shown', display_id=h.display_id)",
        "h.update('shown later')",
        "for n in range(3): h.update(n)\n'result'",
        "handle.display('once more'); handle.update('third')",
    ),
)
