"""``python -m ringfence.worker``: run until SIGTERM or Ctrl-C."""

import os
import signal
import sys
import threading
from types import FrameType


def main() -> int:
    """Run; what is under way when the signal comes is finished first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ringfence.config.settings")
    os.environ.setdefault("RINGFENCE_PROCESS", "worker")
    import django

    django.setup()
    from ringfence.worker import clock, counting, detecting, drawing, messaging, reading

    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # Threads of their own: neither a large delivery nor a slow provider of messages may hold up the clock. Killed in the
    # middle, they lose nothing.
    for each in (reading, messaging, detecting, counting, drawing):
        threading.Thread(target=each.run, args=(stopping,), name=each.__name__.rpartition(".")[2], daemon=True).start()
    clock.run(stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
