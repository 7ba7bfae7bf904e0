"""`python -m tests.benchmarks [GROUP …]`: tables of nbsched beside its peers, measured in turns in one session.

The peers come from the extra `bench`; Prefect and Dagster are installed into environments of their own the first time.
"""

from __future__ import annotations

import argparse
import os

from tests.benchmarks import firing, instants, pipelines, starting, tasks

GROUPS = {
    "import": starting.report,
    "together": tasks.report_together,
    "one-by-one": tasks.report_one_by_one,
    "steps": pipelines.report_steps,
    "lateness": firing.report_lateness,
    "idle": firing.report_idle,
    "cron": instants.report,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], metavar="GROUP", help=", ".join(GROUPS))
    for name in parser.parse_args().groups or GROUPS:
        print(f"{GROUPS[name]()}\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n", flush=True)


if __name__ == "__main__":
    main()
