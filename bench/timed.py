"""Run one command and tell how it went: ``python -I -S timed.py LOG REPORT -- ARGV``.

The report is JSON: ``seconds`` from spawn to exit, ``cpu`` (processor seconds), ``peak_kib`` (the largest resident size
of any of its processes) and ``exit_code``. A small process of its own, because a child's peak starts at the size of the
process that forked it.
"""

from __future__ import annotations

import os
import sys
import time


def main(log: str, report: str, argv: list[str]) -> None:
    """Run ``argv`` with its output in ``log``; write the report."""
    output = (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), output, (os.POSIX_SPAWN_DUP2, 1, 2)]
    start = time.perf_counter()
    process = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    with open(report, "w") as told:
        cpu = usage.ru_utime + usage.ru_stime
        told.write(
            f'{{"seconds": {seconds:.4f}, "cpu": {cpu:.3f}, "peak_kib": {usage.ru_maxrss}, "exit_code": {code}}}'
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[4:])
