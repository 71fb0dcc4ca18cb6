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
    from ringfence.worker import clock, counting, detecting, messaging, reading

    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    # Threads of their own: neither a large delivery nor a slow provider of messages may hold up the clock. Killed in the
    # middle, they lose nothing.
    threads = {"reading": reading.run, "messages": messaging.run, "detection": detecting.run, "counting": counting.run}
    for name, run in threads.items():
        threading.Thread(target=run, args=(stopping,), name=name, daemon=True).start()
    clock.run(stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
