"""Signals on their way to what runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from textwrap import dedent


def test_one_that_does_not_wake_the_main_thread_arrives() -> None:
    """As when it comes right before the main thread begins to wait; here another thread takes it."""
    code = """
        import os, signal, threading
        from scow.cli.containers.signals import Forwarding

        reader, writer = os.pipe()

        class Program:
            def signal(self, number):
                os.write(writer, bytes([number]))

        threading.Thread(target=threading.Event().wait, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGTERM])
        with Forwarding() as forwarding:
            os.kill(os.getpid(), signal.SIGHUP)
            forwarding.begin(Program())
            print(*os.read(reader, 1))
            os.kill(os.getpid(), signal.SIGTERM)
            print(*os.read(reader, 1))
        print(signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, signal.set_wakeup_fd(-1))
    """
    argv = [sys.executable, "-c", dedent(code)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, preexec_fn=_hear)
    assert done.stdout.split() == ["1", "15", "True", "-1"]


def _hear() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
