"""A notebook that takes files of the steps before it is run with its pipeline, by tests/notebooks."""

collect_ignore = [
    "etl/transform.ipynb",
    "training/deploy.ipynb",
    "training/evaluate.ipynb",
    "training/report.ipynb",
    "training/train.ipynb",
]
