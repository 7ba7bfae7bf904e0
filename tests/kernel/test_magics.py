"""The magics in a real kernel: what a person types, sees and finds in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel


@dataclass
class Ran:
    """What a person's cell printed, raised and displayed."""

    id: str
    text: str = ""
    error: str = ""
    displays: list[dict[str, str]] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """The text of its one display."""
        (only,) = self.displays
        return only["text/plain"]


class Page:
    """A notebook's page: cells with ids, what they show, what becomes of their displays."""

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        self.kernel, self.folder = kernel, folder
        self.displays: dict[str, str] = {}
        """The text of each display as it stands, by its id."""

    def cell(self, source: str, cell_id: str | None = None, timeout: float = 30) -> Ran:
        """The person's cell has run."""
        ran = Ran(self.kernel.ask(source, cell_id))
        end = time.monotonic() + timeout
        while not self._read(ran, end - time.monotonic()):
            assert time.monotonic() < end, f"never idle: {ran}"
        return ran

    def _read(self, ran: Ran, timeout: float) -> bool:
        message = self.kernel.client.get_iopub_msg(timeout=timeout)
        content, kind = message["content"], message["msg_type"]
        if kind in ("display_data", "update_display_data"):
            shown = content.get("transient", {}).get("display_id")
            if shown:
                self.displays[shown] = content["data"]["text/plain"]
        if message["parent_header"].get("msg_id") != ran.id:
            return False
        if kind == "status":
            return bool(content["execution_state"] == "idle")
        if kind == "stream":
            ran.text += content["text"]
        elif kind == "error":
            ran.error = f"{content['ename']}: {content['evalue']}"
        elif "data" in content and kind != "update_display_data":  # which changes an output wherever it is
            ran.displays.append(content["data"])
        return False

    def ask(self, expression: str) -> str:
        """The text of a Python value in the kernel."""
        ran = self.cell(f"print({expression})")
        assert ran.text, ran.error
        return ran.text.strip()

    def until(self, expression: str, timeout: float = 20) -> None:
        """The expression holds in the kernel; cells of ours run meanwhile."""
        end = time.monotonic() + timeout
        while self.ask(expression) != "True":
            assert time.monotonic() < end, f"never so: {expression}"

    def until_shown(self, *parts: str, timeout: float = 20) -> str:
        """A display holds all the texts."""
        end = time.monotonic() + timeout
        while not (found := [text for text in self.displays.values() if all(part in text for part in parts)]):
            assert time.monotonic() < end, f"never shown: {parts} in {self.displays}"
            self.cell("pass", timeout=end - time.monotonic())
        return found[0]


Open = Callable[..., Page]


@pytest.fixture(scope="module")
def page(open_kernel: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("page")
    kernel = open_kernel(NBSCHED_STORE=str(folder / "store.db"), JPY_SESSION_NAME=str(folder / "demo.ipynb"))
    page = Page(kernel, folder)
    ran = page.cell("before = set(dir())\n%load_ext nbsched\nprint(sorted(set(dir()) - before))")
    assert ran.text == "['before']\n", ran
    page.cell(f"import os, nbsched as nb\nos.chdir({str(folder)!r})")
    return page


@pytest.fixture(autouse=True)
def _nothing_scheduled(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "page" in request.fixturenames:
        request.getfixturevalue("page").cell("for _each in nb.schedules(): nb.unschedule(_each.name)")


def one_line(ran: Ran) -> str:
    """The one clean line of a mistake: no traceback."""
    assert ran.error == ""
    (line,) = ran.text.strip().splitlines()
    assert line.startswith("UsageError: ")
    return line


def test_loading_again_changes_nothing(page: Page) -> None:
    ran = page.cell("%reload_ext nbsched\nprint(len(get_ipython().Completer.custom_matchers))")
    again = page.cell(
        "%load_ext nbsched\n%reload_ext nbsched\nprint(len(get_ipython().Completer.custom_matchers))"
    )
    assert ran.text.split()[-1] == again.text.split()[-1]


def test_a_scheduled_cell_runs_in_the_namespace_and_its_registration_echoes_the_next_times(
    page: Page,
) -> None:
    ran = page.cell("%%schedule 'every 100ms' --name tick --limit 1\nticked = 41 + 1", "tick-cell")
    assert ran.text.startswith("tick: scheduled, every 100ms from ")
    assert "; next " in ran.text
    page.until("'ticked' in globals() and ticked == 42")


def test_running_the_cell_again_replaces_its_schedule(page: Page) -> None:
    page.cell("%%schedule @daily\nfirst", "a")
    page.cell("%%schedule @hourly\nsecond", "a")
    assert page.ask("[str(s.trigger).split()[0] for s in nb.schedules()]") == "['@hourly']"
    page.cell("%%schedule @daily\nother", "b")
    assert page.ask("len(nb.schedules())") == "2"


def test_the_same_cell_again_keeps_its_next_time(page: Page) -> None:
    page.cell("%%schedule 'every 1h'\nx", "a")
    before = page.ask("nb.schedules()[0].next_at")
    page.cell("%%schedule 'every 1h'\nx + 1", "a")
    assert page.ask("nb.schedules()[0].next_at") == before


def test_a_cell_that_gets_another_name_leaves_no_second_schedule(page: Page) -> None:
    page.cell("%%schedule @daily --name one\nx", "a")
    page.cell("%%schedule @daily --name two\nx", "a")
    assert page.ask("[s.name for s in nb.schedules()]") == "['two']"


def test_a_cell_has_the_limits_and_hooks_of_any_work(page: Page) -> None:
    page.cell(
        "%%schedule @daily --name one --rate 3/h --deadline 2h --depends-on-previous --on-late a.late "
        "--on-recovery a.good\nx"
    )
    policy = page.ask(
        "__import__('nbsched.store.schedules', fromlist=['find']) and "
        "nb.schedules()[0]._runtime.database.read(lambda db: db.execute('SELECT work FROM schedules').fetchone()[0])"
    )
    for given in ('"rate": "3/h"', '"deadline": "2h"', '"depends_on_previous": true', '"on_late": "a.late"'):
        assert given in policy
    assert '"on_recovery": "a.good"' in policy


def test_a_cell_without_an_id_is_known_by_its_text_with_a_notice(page: Page) -> None:
    ran = page.cell("%%schedule @daily\nx = 1")
    assert "known by its text" in ran.text
    assert "--name" in ran.text
    page.cell("%%schedule @hourly\nx = 1")
    assert page.ask("len(nb.schedules())") == "1"
    assert "known by its text" not in page.cell("%%schedule @daily --name n\nx = 1").text


def test_a_notebook_is_scheduled_with_expanded_parameters(page: Page) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[]), page.folder / "report.ipynb")
    page.cell("region = 'EU'\nlimits = [1, 2]")
    ran = page.cell(
        "%schedule @daily report.ipynb -p region=$region limits={limits} day=@scheduled_date --retries 2"
    )
    assert ran.text.startswith("report: scheduled, @daily tz "), ran.text
    assert "report" in page.cell("%schedule").plain


def test_the_table_of_schedules_is_text_and_escaped_html(page: Page) -> None:
    page.cell("%%schedule @daily --name '<b>x</b>'\npass", "a")
    (shown,) = page.cell("%schedule").displays
    assert "<b>x</b>" in shown["text/plain"]
    assert "&lt;b&gt;x&lt;/b&gt;" in shown["text/html"]
    assert "<b>" not in shown["text/html"]


def test_schedules_of_this_notebook_are_paused_and_resumed(page: Page) -> None:
    page.cell("%%schedule @daily --name one\npass", "a")
    page.cell("%%schedule @daily --name two\npass", "b")
    page.cell("%schedule pause one")
    assert page.ask("[(s.name, s.paused) for s in nb.schedules()]").count("by user") == 1
    assert sorted(page.cell("%schedule pause").text.split("\n"))[1:] == ["two: paused"]
    assert page.cell("%schedule resume").text.count("resumed") == 2
    assert page.cell("%schedule resume").text == "no schedule of this notebook is paused\n"


@pytest.mark.parametrize("where", ["thread", "kernel", "process"])
def test_a_task_runs_in_the_background_and_its_output_appears_below(page: Page, where: str) -> None:
    ran = page.cell(
        f"%%task {where}_task --where {where} -p n=3\nprint('has', n * 2)\n'the ' + 'result'", "t"
    )
    assert ran.displays[0]["text/plain"].startswith(("◌", "◐"))
    page.until_shown(f"of {where}_task: succeeded", "has 6\n'the result'")
    assert page.ask(f"nb.runs(name='{where}_task')[0].state") == "succeeded"


def test_a_task_that_fails_shows_its_traceback(page: Page) -> None:
    page.cell("%%task broken\nprint('begun')\n1 / 0", "t")
    page.until_shown("of broken: failed", "begun", "ZeroDivisionError")


def test_steps_make_a_pipeline_that_runs_and_passes_values(page: Page) -> None:
    page.cell("%%step etl.fetch\nrows = [1, 2, 3]\nnb.emit(count=len(rows))", "s1")
    page.cell("%%step etl.load -p count=@fetch.count\nloaded = count * 10", "s2")
    ran = page.cell("%%step etl.skip --when 'fetch.count > 5'\nskipped_ran = True", "s3")
    assert ran.text == "etl.skip: added; etl has fetch load skip\n"
    page.cell("%pipeline run etl --wait")
    assert page.ask("nb.runs(name='etl')[0].state") == "succeeded"
    assert page.ask("loaded, 'skipped_ran' in globals()") == "30 False"
    assert page.ask("{k: str(s.state) for k, s in nb.runs(name='etl')[0].steps.items()}['skip']") == "skipped"


def test_a_pipeline_of_cells_is_exported_and_what_cannot_be_is_said(page: Page) -> None:
    page.cell("%%step out.first\nn = 1")
    page.cell("%%step out.second --after first --where process\nprint(1)")
    ran = page.cell("%pipeline export out --to python --file out.py")
    assert "out: written to out.py for python" in ran.text
    assert "not exported: the kernel of the cell 'first'" in ran.text
    assert "first >> second" in (page.folder / "out.py").read_text()
    assert "kernel, which Airflow has not" in one_line(page.cell("%pipeline export out --to airflow"))


def test_a_pipeline_with_a_function_of_the_notebook_is_exported_with_its_source(page: Page) -> None:
    page.cell("@nb.task\ndef double(x):\n    return x * FACTOR\nFACTOR = 2")
    page.cell("with nb.pipeline('typed') as typed:\n    double(21)")
    said = page.cell("%pipeline export typed --to python").text
    assert "def double(x):" in said
    assert "FACTOR = 2" in said
    page.cell("%pipeline schedule typed @daily --name typed_daily")
    assert "DAG(" in page.cell("%pipeline export typed_daily --to airflow").text


def test_cells_run_in_the_order_of_the_names_they_read_and_say_so(page: Page) -> None:
    page.cell("%%step names.score\nnb.emit(score=model + 1)", "n1")
    page.cell("%%step names.train\nmodel = data * 10", "n2")
    ran = page.cell("%%step names.prepare\ndata = 4", "n3")
    assert ran.text == "names.prepare: added; names has score train prepare\n"
    ran = page.cell("%%step names.score\nnb.emit(score=model + data)", "n1")
    assert ran.text.startswith(
        "names.score: replaced; after train (reads model), prepare (reads data); names has"
    )
    shown = page.cell("%pipeline show names").plain
    assert "train (model) prepare (data)" in shown
    page.cell("%pipeline run names --wait")
    assert page.ask("nb.runs(name='names')[0].steps['score'].values['score']") == "44"


def test_a_form_of_a_pipeline_starts_it_with_what_its_fields_say(page: Page) -> None:
    page.cell("%%step asked.a -p x=@params.region\nnb.emit(got=x)", "f1")
    ran = page.cell("%pipeline form asked")
    assert any("application/vnd.jupyter.widget-view+json" in each for each in ran.displays)
    page.cell(
        "import gc\nfrom nbsched.jupyter.forms import Form\n[form] = [x for x in gc.get_objects() if type(x) is Form]"
    )
    page.cell("form.button.click()")
    assert "'region'" in page.ask("form.message.value")
    page.cell("form.fields['region'].value = '7'\nform.button.click()")
    page.until("nb.runs(name='asked')[0].state == 'succeeded'")
    assert page.ask("nb.runs(name='asked')[0].steps['a'].values['got']") == "7"
    page.cell("with nb.pipeline('shown', params={'n': 3}) as _p:\n    nb.shell('true')")
    assert page.cell("%pipeline form shown").displays
    assert page.ask("_p.form().values") == "{'n': 3}"
    assert "no pipeline 'nosuch'" in one_line(page.cell("%pipeline form nosuch"))


def test_a_parameter_that_no_step_reads_is_refused(page: Page) -> None:
    page.cell("%%step unread.a -p x=@params.region\nprint(x)", "u1")
    assert "no parameter 'regoin': did you mean 'region'" in one_line(
        page.cell("%pipeline run unread -p regoin=EU")
    )
    page.cell("%pipeline run unread -p region=EU --wait")
    assert page.ask("nb.runs(name='unread')[0].state") == "succeeded"


def test_a_cycle_of_names_is_told_when_it_is_written_and_refused_when_it_is_run(page: Page) -> None:
    page.cell("%%step loop.a\nx = y", "l1")
    ran = page.cell("%%step loop.b\ny = x", "l2")
    cycle = "'b' reads x of 'a' and 'a' reads y of 'b': give one of them --after"
    assert cycle in ran.text
    assert cycle in one_line(page.cell("%pipeline run loop"))
    assert "loop.a: replaced" in page.cell("%%step loop.a --after\nx = y", "l1").text
    assert page.cell("%pipeline show loop").error == ""


def test_values_of_a_cell_are_read_by_later_cells_and_other_kernels(
    page: Page, open_kernel: Callable[..., Any]
) -> None:
    pytest.importorskip("matplotlib")
    page.cell(
        "%%step made.draw\nfrom pathlib import Path\nfrom matplotlib.figure import Figure\nfigure = Figure()\n"
        "Path('note.txt').write_text('kept')\nnb.emit(figure=figure, note=Path('note.txt'), rows=[1, 2])", "v1"
    )  # fmt: skip
    page.cell(
        '%%step made.take -p parts=\'["@draw.rows", "@draw.note"]\'\nnb.emit(text=parts[1].read_text())', "v2"
    )
    page.cell("%pipeline run made --wait")
    assert page.ask("nb.runs(name='made')[0].steps['take'].values['text']") == "kept"
    number = page.ask("nb.runs(name='made')[0].id")
    other = open_kernel(NBSCHED_STORE=str(page.folder / "store.db"))
    other.run(f"import nbsched as nb; values = nb.get_run({number}).steps['draw'].values")
    assert other.eval("values['rows'], values['note'].read_text(), values['figure']._repr_png_()[:4]") == (
        [1, 2], "kept", b"\x89PNG",
    )  # fmt: skip
    shown = other.run("values['figure']").outputs[-1]
    assert "image/png" in shown["data"]


def test_steps_that_wait_are_written_in_one_line(page: Page) -> None:
    page.cell("%step ask.data --wait-for 'on data.ready' --timeout 1h")
    page.cell("%step ask.sure --approve 'Load it?' --after data", "s2")
    page.cell("%%step ask.load -p rows=@data.rows -p sure=@sure --when sure\nasked = (rows, sure)", "s3")
    assert "which waits" in page.cell("%%step ask.no --approve 'Why?'\npass").text
    page.cell("%pipeline run ask")
    page.until("nb.runs(name='ask')[0].steps['data'].started_at is not None")
    page.cell("%nbsched publish data.ready '{\"rows\": 3}'")
    page.until("nb.runs(name='ask')[0].steps['sure'].started_at is not None")
    page.cell("%nbsched resolve {nb.runs(name='ask')[0].id} yes")
    page.until("nb.runs(name='ask')[0].state == 'succeeded'")
    assert page.ask("asked") == "(3, True)"


def test_a_step_is_mapped_and_a_pipeline_is_a_step_of_another(page: Page) -> None:
    page.cell("%%step inner.list\nnb.emit(numbers=[1, 2, 3])", "s1")
    square = "import nbsched as nb\nnb.emit(square=number ** 2)"
    page.cell(f"%%step inner.square --map number=@list.numbers --where process\n{square}", "s2")
    page.cell("%%step inner.sum -p squares=@square.square\ntotal = sum(squares)\nnb.emit(total=total)", "s3")
    ran = page.cell("%step outer.sums --pipeline inner")
    assert ran.text == "outer.sums: added; outer has sums\n"
    page.cell("%%step outer.tell -p total=@sums.sum.total\ntold = total", "s4")
    page.cell("%pipeline run outer --wait")
    assert page.ask("nb.runs(name='outer')[0].state, told") == "succeeded 14"
    assert (
        page.ask("nb.runs(name='outer')[0].steps['sums'].steps['square'].steps[2].values") == "{'square': 9}"
    )
    assert "--map NAME=LIST" in page.cell("%%step inner.sum --product\n1").text


def test_a_pipeline_that_is_a_step_reads_its_parameters_as_they_are_declared(page: Page) -> None:
    page.cell("with nb.pipeline('typed', params={'day': str, 'n': 1}) as _p:\n    nb.shell('echo $day', name='say', "
              "env={'day': _p.params['day']})")  # fmt: skip
    assert page.cell("%step around.typed --pipeline typed -p day=007 n=5").error == ""
    page.cell("%pipeline run around --wait")
    inner = "nb.runs(name='around')[0].steps['typed']"
    assert page.ask(f"{inner}.steps['say'].result, dict({inner}.params)") == "007 {'day': '007', 'n': 5}"
    page.cell("%step around.typed --pipeline typed -p dya=1 day=x")
    assert "no parameter 'dya'" in one_line(page.cell("%pipeline run around"))


def test_a_pipeline_runs_in_the_background_and_the_panel_shows_it(page: Page) -> None:
    page.cell("%%step bg.only --where process\nprint('done')", "s1")
    ran = page.cell("%pipeline run bg --key once")
    assert any("application/vnd.jupyter.widget-view+json" in each for each in ran.displays)
    page.until("nb.runs(name='bg')[0].state == 'succeeded'")
    page.cell("%pipeline run bg --key once")
    assert page.ask("len(nb.runs(name='bg'))") == "1"


def test_pipelines_are_listed_shown_and_scheduled_however_they_were_written(page: Page) -> None:
    page.cell(
        "with nb.pipeline('built'):\n    nb.shell('echo hi', name='hi') >> nb.shell('true', name='end')"
    )
    assert "built" in page.cell("%pipeline list").plain
    assert "hi" in page.cell("%pipeline show built").plain
    assert page.cell("%pipeline schedule built @daily --name nightly").text.startswith(
        "nightly: scheduled, @daily"
    )
    assert page.ask("[s.name for s in nb.schedules()]") == "['nightly']"


def test_cached_steps_are_told_and_why_names_the_cell_that_was_edited(page: Page) -> None:
    page.cell("%%step again.first --cache --where process\nprint('one')", "s1")
    page.cell("%%step again.second --cache --after first\nseen = 1", "s2")
    assert "never run with cache on" in page.cell("%pipeline why again").plain
    reasons = "[s.reason for s in nb.runs(name='again')[0].steps.values()]"
    page.cell("%pipeline run again --wait")
    assert page.ask(reasons) == "[None, None]"
    page.cell("%pipeline run again --wait")
    assert page.ask(reasons) == "['cached', 'cached']"
    assert page.cell("%pipeline why again").plain.count("is cached") == 2
    page.cell("%%step again.second --cache --after first\nseen = 2", "s2")
    told = page.cell("%pipeline why again second").plain
    assert "runs" in told
    assert "source of second changed" in told
    assert "is cached" in page.cell("%nbsched why again first").plain


def test_a_pipeline_s_past_instants_are_filled_and_shown_as_a_grid(page: Page) -> None:
    page.cell("with nb.pipeline('old'):\n    nb.shell('true', name='only')")
    line = "%pipeline backfill old --from 2026-01-01 --to 2026-01-03"
    assert "%pipeline schedule old TRIGGER gives it one" in one_line(page.cell(line))
    page.cell("%pipeline schedule old '0 2 * * * tz UTC'")
    assert page.cell(f"{line} --dry-run").text.splitlines() == [
        "Thu 2026-01-01 02:00:00 +00:00",
        "Fri 2026-01-02 02:00:00 +00:00",
    ]
    (shown,) = page.cell(line).displays
    assert shown["text/plain"].startswith("old: 2 instants, ")
    assert "<table>" in shown["text/html"]
    page.until("[run.state for run in nb.runs(name='old')] == ['succeeded'] * 2")
    assert (
        page.cell("%nbsched backfill old --from 2026-01-01 --to 2026-01-03").plain.count("✓ succeeded  ✓")
        == 2
    )
    page.cell("nb.unschedule('old')")


def test_a_cell_runs_on_the_events_that_its_condition_holds_for(page: Page) -> None:
    page.cell("heard = []")
    page.cell(
        "%%on data.ready --where 'rows > 2' --name listener\nheard.append(nb.context().event['rows'])", "o"
    )
    page.cell("for _rows in (1, 5, 2, 7): nb.publish('data.ready', {'rows': _rows})")
    page.until("heard == [5, 7]")
    assert page.ask("[s.name for s in nb.schedules()]") == "['listener']"


def test_runs_are_shown_cancelled_and_retried(page: Page) -> None:
    page.cell("%%task sleeper --where process\nimport time; time.sleep(60)", "t")
    run = page.ask("nb.runs(name='sleeper')[0].id")
    assert "sleeper" in page.cell("%nbsched runs --name sleeper").plain
    page.cell(f"%nbsched cancel {run}")
    page.until(f"nb.get_run({run}).state == 'cancelled'")
    assert "cancelled" in page.cell(f"%nbsched show {run}").text
    assert page.cell(f"%nbsched retry {run}").text.endswith(f"tries run {run} again\n")
    page.cell("nb.cancel(nb.runs(name='sleeper')[0].id)")


def test_the_doctor_says_how_the_kernel_of_a_notebook_comes_to_be(page: Page) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import zmq")])
    nbformat.write(made, page.folder / "a.ipynb")
    said = page.cell("%nbsched doctor a.ipynb").plain
    assert "kernel python3" in said
    assert "imported ahead" in said


def test_the_doctor_looks_at_an_engine(page: Page) -> None:
    pytest.importorskip("celery")
    page.cell("import os; os.environ['NBSCHED_CELERY_BROKER'] = 'redis://:geheim@127.0.0.1:1/0'")
    said = page.cell("%nbsched doctor --executor celery").plain
    page.cell("del os.environ['NBSCHED_CELERY_BROKER']")
    assert "connection" in said
    assert "redis://:***@127.0.0.1:1/0" in said


def test_help_is_there(page: Page) -> None:
    assert "--overlap" in page.cell("%schedule --help").text
    assert "doctor" in page.cell("%nbsched help").text
    assert "examples:" in page.ask("get_ipython().find_magic('schedule').__doc__")


OUT_OF_REACH = "the cell 'c' runs in its notebook's kernel, where the workers of "


def test_a_pipeline_with_cells_of_the_kernel_is_refused_for_workers_and_goes_on_here(page: Page) -> None:
    page.cell("%%step reach.c\nreached = True", "reach-c")
    assert OUT_OF_REACH in one_line(page.cell("%pipeline run reach --executor dask"))
    assert OUT_OF_REACH in one_line(page.cell("%pipeline schedule reach @daily --executor dask"))
    assert page.ask("len(nb.runs(name='reach')) + len(nb.schedules())") == "0"
    page.cell("%pipeline run reach --executor local")
    page.until("'reached' in globals()")


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("%%schedule 'every 5 parsecs'\nx", "parsecs"),
        ("%%schedule @daily\nx = (", "does not compile (line 1"),
        ("%%schedule @daily\nx = 1\n  y", "does not compile (line 2"),
        ("%%schedule @daily\n\n", "the cell is empty"),
        ("%%schedule\nx", "say when"),
        ("%%schedule @daily report.ipynb\nx", "write one % for a notebook"),
        ("%%schedule @daily --name {nosuch}\nx", "{nosuch} cannot be expanded"),
        ("%%schedule @daily --name $nosuch\nx", "$nosuch cannot be expanded"),
        ("%%schedule @daily --name 'open\nx", "not closed"),
        ("%%schedule @daily --retires 3\nx", "did you mean --retries"),
        ("%%schedule @daily --retries many\nx", "whole number"),
        ("%%schedule @daily --overlap both\nx", "invalid choice: 'both'"),
        ("%%schedule @daily --executor dusk\nx", "no executor 'dusk': did you mean 'dask'"),
        ("%%schedule @daily --name c --executor dask\nx", OUT_OF_REACH),
        ("%%task c --executor celery\nx", OUT_OF_REACH),
        ("%%step p.c --executor dask\nx", OUT_OF_REACH),
        ("%%step p.c --where thread --executor dask\nx", OUT_OF_REACH),
        ("%%schedule @daily -p x=@\nx", "refers to nothing"),
        ("%%schedule @daily -p x={object()}\nx", "x"),
        ("%schedule @daily nosuch.ipynb", "nosuch.ipynb"),
        ("%nbsched doctor nosuch.ipynb", "check the path"),
        ("%schedule @daily", "name the notebook to run"),
        ("%schedule pause nosuch", "no schedule 'nosuch'"),
        ("%%task --where moon\nx", "invalid choice: 'moon'"),
        ("%%task a b\nx", "unrecognized arguments: b"),
        ("%%step fetch\nx", "write PIPELINE.NAME"),
        ("%step etl.fetch", "name the notebook to run"),
        ("%%on 'a b'\nx", "a b"),
        ("%%on data.x --where 'import os'\nx", "import os"),
        ("%pipeline run nosuch", "no pipeline 'nosuch'"),
        ("%pipeline rnu etl", "did you mean 'run'"),
        ("%pipeline why nosuch", "no pipeline 'nosuch'"),
        ("%pipeline export etl", "--to"),
        ("%pipeline export nosuch --to python", "no schedule or run 'nosuch'"),
        ("%pipeline backfill nobodys --from 2026-01-01 --to 2026-01-02", "no schedule 'nobodys'"),
        ("%nbsched show 9999", "no run 9999"),
        ("%nbsched show x", "not a whole number"),
        ("%nbsched nosuch", "no %nbsched verb 'nosuch'"),
    ],
)
def test_a_mistake_is_one_clean_line_and_registers_nothing(page: Page, source: str, part: str) -> None:
    before = page.ask("len(nb.runs(limit=None))")
    assert part in one_line(page.cell(source, "m"))
    assert page.ask("nb.schedules(), len(nb.runs(limit=None))") == f"[] {before}"


def test_a_notebook_that_nbsched_runs_registers_nothing_and_says_so(
    open_kernel: Callable[..., Any], tmp_path: Path
) -> None:
    page = Page(open_kernel(NBSCHED_STORE=str(tmp_path / "store.db"), NBSCHED_RUN="7"), tmp_path)
    page.cell("%load_ext nbsched\nimport nbsched as nb")
    for source in (
        "%%schedule @daily\nx",
        "%%task\nx",
        "%%step a.b\nx",
        "%%on data.x\nx",
        "%schedule pause x",
    ):
        assert page.cell(source).text == "nbsched: checked, not registered: run 7 executes this notebook\n"
    assert "does not compile" in one_line(page.cell("%%schedule @daily\nx = ("))
    assert page.ask("nb.schedules(), nb.runs()") == "[] []"


def test_a_kernel_that_comes_back_is_told_of_its_paused_schedules(
    open_kernel: Callable[..., Any], tmp_path: Path
) -> None:
    environment = {"NBSCHED_STORE": str(tmp_path / "store.db"), "JPY_SESSION_NAME": str(tmp_path / "n.ipynb")}
    first = Page(open_kernel(**environment), tmp_path)
    first.cell("%load_ext nbsched")
    first.cell("%%schedule @daily --name mine\nx", "a")
    first.kernel.close()
    second = Page(open_kernel(**environment), tmp_path)
    assert (
        second.cell("%load_ext nbsched").text == "1 schedule of this notebook is paused: %schedule resume\n"
    )
    assert second.cell("%schedule resume").text == "mine: resumed\n"
    assert second.cell("import nbsched as nb\nprint(nb.schedules()[0].paused)").text == "None\n"


def test_a_store_that_cannot_be_opened_is_one_line_at_loading(
    open_kernel: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "store.db").write_text("not a database, but long enough to look at" * 100)
    page = Page(open_kernel(NBSCHED_STORE=str(tmp_path / "store.db")), tmp_path)
    ran = page.cell("%load_ext nbsched")
    assert ran.error == ""
    assert "store.db" in ran.text
    assert "store.db" in one_line(page.cell("%%schedule @daily --name x\npass"))


def test_a_kernel_is_its_notebooks_host_before_the_magics_are_loaded(
    open_kernel: Callable[..., Any], tmp_path: Path
) -> None:
    page = Page(open_kernel(NBSCHED_STORE=str(tmp_path / "store.db")), tmp_path)
    page.cell("import nbsched as nb\nrun = nb.run(nb.cell('x = 1', name='one'))")
    page.until("run.state == 'succeeded'")
    page.cell("%load_ext nbsched")
    page.cell("%%schedule 'every 50ms' --limit 1 --name two\ny = 2", "a")
    page.until("'y' in globals()")


def test_a_kernel_that_carries_out_a_run_is_no_host(open_kernel: Callable[..., Any], tmp_path: Path) -> None:
    page = Page(open_kernel(NBSCHED_STORE=str(tmp_path / "store.db"), NBSCHED_RUN="7"), tmp_path)
    page.cell("%load_ext nbsched\nfrom nbsched.engine import default")
    assert page.ask("default.runtime().kind") == "script"
