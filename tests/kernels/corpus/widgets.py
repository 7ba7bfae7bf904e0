"""Widgets, whose state is kept in the notebook's metadata."""

from __future__ import annotations

from tests.kernels.corpus.case import case

CASES = (
    case(
        "widgets",
        "import ipywidgets as w\nfrom IPython.display import clear_output, display\nslider = w.IntSlider(value=7, description='größe'); slider",
        "slider.value = 9; slider.max = 20",
        "out = w.Output(); out",
        "with out:\n    print('captured'); display('captured too')",
        "with out: 1 / 0",
        "print('beside')\nwith out:\n    clear_output(); print('cleared')",
        "with out:\n    clear_output(wait=True); print('replaced')",
        "out.append_stdout('appended'); out.append_display_data('shown')",
        "inner, outer = w.Output(), w.Output()\ndisplay(outer)\nwith outer:\n    print('outer'); display(inner)\n    with inner: print('inner')\n    print('outer again')",
        "@out.capture(clear_output=True)\ndef say(): print('by a function')\nsay()",
        "w.interact(lambda x, y: print(x, y), x=(0, 10), y=['a', 'b']);",
        "box = w.VBox([w.Label('x'), w.Text('y'), w.HTML('<b>z</b>'), w.Dropdown(options={'a': 1})]); box",
        "w.jslink((slider, 'value'), (w.FloatText(), 'value')); None",
        "image = w.Image(value=b'\\x89PNG\\x00\\xff', format='png'); image",
        "image.value = b'other bytes'",
        "hidden = w.Button(description='never shown'); hidden.style.button_color = 'red'",
        "slider.close()",
        "w.Play(), w.DatePicker(), w.ColorPicker()",
        "len(out.outputs), out.outputs",
        as_run=True,
    ),
)
