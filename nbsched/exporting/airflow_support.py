"""What an exported Airflow file has in it beside its tasks, as text: imports and the few functions that tasks call."""

from __future__ import annotations

from collections.abc import Mapping

from nbsched.core.messages import SHOWN_TYPE

IMPORTS: Mapping[tuple[str, ...], str] = {
    ("BashOperator",): """\
try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator
""",
    ("PythonOperator", "ShortCircuitOperator"): """\
try:
    from airflow.providers.standard.operators.python import PythonOperator, ShortCircuitOperator
except ImportError:  # Airflow 2
    from airflow.operators.python import PythonOperator, ShortCircuitOperator
""",
    ("DAG",): """\
try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param
""",
    ("CronDataIntervalTimetable", "DeltaDataIntervalTimetable"): """\
try:
    from airflow.sdk import CronDataIntervalTimetable, DeltaDataIntervalTimetable
except ImportError:  # Airflow 2
    from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
""",
    ("AirflowSkipException",): """\
try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowFailException, AirflowSkipException
""",
}
"""By the names that the file may use: the statement that brings them."""

FUNCTIONS: Mapping[str, str] = {
    "_step": '''\
def _step(context, step, *names):
    """The step's result, or what it gave by that name."""
    value = context["ti"].xcom_pull(task_ids=step)
    for name in names:
        value = value[name]
    return value
''',
    "_found": '''\
def _found(place, name):
    """The function of that module or file."""
    if place.endswith(".py"):
        sys.path.insert(0, os.path.dirname(place))
        spec = importlib.util.spec_from_file_location(os.path.basename(place)[:-3], place)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    return functools.reduce(getattr, name.split("."), module)
''',
    "_called": '''\
def _called(function, *args, **kwargs):
    """The function's result; nb.skip() skips the task and nb.fail() fails it for good."""
    try:
        result = function(*args, **kwargs)
        return asyncio.run(result) if inspect.iscoroutine(result) else result
    except Exception as error:
        signal = {kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "nbsched.core.errors"}
        if "Skip" in signal:
            raise AirflowSkipException(str(error)) from error
        if "Fail" in signal:
            raise AirflowFailException(str(error)) from error
        raise
''',
    "_cell": '''\
def _cell(context, source, parameters, **options):
    """The cell has run as a notebook of its own."""
    cell = {"cell_type": "code", "id": "cell", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cell.ipynb")
        with open(path, "w") as file:
            json.dump(notebook, file)
        return _notebook(context, path, parameters, cwd=os.getcwd(), **options)
''',
    "_notebook": '''\
def _notebook(context, path, parameters, *, output=None, kernel=None, cwd=None, cell_timeout=None):
    """The notebook has run; what it gave with nb.emit(). Each try keeps its executed copy."""
    import papermill

    ti = context["ti"]
    folder = OUTPUTS / context["dag"].dag_id / context["run_id"]
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{ti.task_id}.{ti.try_number}.ipynb"
    with open(path, encoding="utf-8") as file:
        metadata = json.load(file).get("metadata", {})
    spec, language = metadata.get("kernelspec", {}), metadata.get("language_info", {}).get("name")
    ran = papermill.execute_notebook(
        str(path), str(copy), parameters=_plain(parameters), kernel_name=kernel or spec.get("name", "python3"),
        language=spec.get("language") or language or "python",
        cwd=cwd or os.path.dirname(path), execution_timeout=cell_timeout,
    )
    if output:
        shutil.copyfile(copy, output)
    outputs = [output for cell in ran.cells for output in cell.get("outputs", [])]
    told = [output["data"][VALUE] for output in outputs if VALUE in output.get("data", {})]
    return {value["name"]: value["value"] for value in told}
''',
    "_plain": '''\
def _plain(values):
    """The values as papermill takes them: dates as ISO text."""
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in values.items()}
''',
}
"""By name: a function that a task may call; one calls only those after it."""

CONSTANTS: Mapping[str, str] = {
    "OUTPUTS": 'OUTPUTS = pathlib.Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "notebooks"\n',
    "VALUE": f"VALUE = {SHOWN_TYPE!r}\n",
}

MODULES = (
    "asyncio", "datetime", "functools", "importlib.util", "inspect", "json", "os", "pathlib", "shutil", "sys",
    "tempfile", "pendulum",
)  # fmt: skip
