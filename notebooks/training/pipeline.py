"""Three models learn to read digits; the best is deployed if it is good enough.

Run it with `nbsched run notebooks/training/pipeline.py`, and ask for too much with `-p threshold=0.999`.
"""

from __future__ import annotations

import nbsched as nb


@nb.task
def choose(accuracy: dict[str, float]) -> dict[str, object]:
    """The name of the best model, and its accuracy."""
    best = max(accuracy, key=lambda name: accuracy[name])
    return {"name": best, "accuracy": accuracy[best]}


with nb.pipeline("training", params={"test_share": 0.3, "threshold": 0.95}) as training:
    threshold = training.params["threshold"]

    prepare = nb.notebook("prepare.ipynb", params={"test_share": training.params["test_share"]})

    models = [
        nb.notebook("train.ipynb", name=f"train_{model}", params={"model": model, "digits": prepare["path"]})
        for model in ("logistic", "forest", "svm")
    ]

    evaluate = nb.notebook(
        "evaluate.ipynb", params={"digits": prepare["path"], "models": [model["path"] for model in models]}
    )

    best = choose(evaluate["accuracy"])

    deploy = nb.notebook(
        "deploy.ipynb",
        params={"best": best["name"], "accuracy": best["accuracy"]},
        when=best["accuracy"] > threshold,
    )

    pack = nb.shell(
        'tar -czf "$MODEL.tar.gz" "$MODEL" && echo "$MODEL.tar.gz"',  # the last line is the step's result
        name="pack", env={"MODEL": deploy["path"]}, cwd=".",
    )  # fmt: skip

    report = nb.notebook(
        "report.ipynb",
        params={
            "best": best["name"], "accuracy": evaluate["accuracy"], "threshold": threshold, "archive": pack
        },
        rule="none_failed",  # also when deploy was skipped
    )  # fmt: skip
