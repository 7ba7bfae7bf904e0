"""The work that the pictures show: files, schedules and runs as somebody might have them, carried out for real."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import nbformat

import nbsched as nb
from nbsched.engine.calls import Calls

EXAMPLES = Path(__file__).parents[2] / "notebooks"
DAYS = 27
REGIONS = {"EU": 3, "US": 5, "APAC": 2}

SALES = [
    "# Sales of a day\nWhat was sold where, from the file that the shops send at night.",
    """from datetime import date

day: date = None  # whose file is read
region: str = "EU"  # EU, US or APAC
top: int = 5  # how many products are listed""",
    """import csv
from pathlib import Path

rows = list(csv.DictReader(Path(f"sales/{day}.csv").open()))
print(f"{len(rows)} lines in the file of {day}")""",
    """sold = {}
for row in rows:
    if row["region"] == region:
        sold[row["product"]] = float(row["amount"])""",
    """import nbsched as nb

for product in sorted(sold, key=sold.get, reverse=True)[:top]:
    print(f"{product:8} {sold[product]:8.2f}")
nb.emit(total=sum(sold.values()))""",
]

DIGITS = [
    "# Watch a model learn\nA linear model reads handwritten digits, a few epochs at a time.",
    """epochs: int = 40  # how often it sees all digits
rate: float = 0.01  # how far it moves each time""",
    """import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

images, labels = load_digits(return_X_y=True)
figure, places = plt.subplots(1, 8, figsize=(7, 1.1))
for place, image in zip(places, images):
    place.imshow(image.reshape(8, 8), cmap="gray_r")
    place.axis("off")
plt.show()""",
    """import time

model = SGDClassifier(learning_rate="constant", eta0=rate, random_state=0)
for epoch in range(1, epochs + 1):
    model.partial_fit(images[:1200], labels[:1200], classes=range(10))
    if epoch % 4 == 0:
        print(f"epoch {epoch:3}: {model.score(images[1200:], labels[1200:]):.1%} right", flush=True)
    time.sleep(0.5)""",
    "print(model.coef_.shape)",
]


def today() -> date:
    return datetime.now(UTC).date()


def write_files(root: Path) -> None:
    """The notebooks and the data lie in the folder."""
    leave = shutil.ignore_patterns("results", "__pycache__", "training.ipynb")
    shutil.copytree(EXAMPLES / "training", root / "training", ignore=leave)
    _notebook(root / "daily_sales.ipynb", SALES)
    _notebook(root / "learn_digits.ipynb", DIGITS)
    (root / "sales").mkdir()
    for age in range(DAYS):
        _sales(root / "sales", today() - timedelta(days=age), broken=age in (0, 9, 16))


def _notebook(path: Path, cells: list[str]) -> None:
    title, *code = cells
    made = [nbformat.v4.new_markdown_cell(title), *map(nbformat.v4.new_code_cell, code)]
    made[1].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), path)


def _sales(folder: Path, day: date, *, broken: bool) -> None:
    """A day's file; the shops now and then call the amount something else."""
    lines = [f"region,product,{'turnover' if broken else 'amount'}"]
    for product, name in enumerate(("tea", "coffee", "cocoa", "sugar", "milk", "bread")):
        lines += [f"{region},{name},{size * (product + 3) * day.day}" for region, size in REGIONS.items()]
    (folder / f"{day}.csv").write_text("\n".join(lines) + "\n")


def schedule(calls: Calls, root: Path) -> None:
    """Commands of the machine are scheduled: the server carries them out."""
    look = nb.shell("df --output=pcent . | tail -1", name="disk", cwd=str(root))
    calls.schedule(look, "every 15s", name="disk")
    pack = nb.shell("tar -czf backup.tar.gz sales && echo backup.tar.gz", name="backup", cwd=str(root))
    calls.schedule(pack, "30 1 * * 1-5 tz Europe/Berlin", name="backup")
