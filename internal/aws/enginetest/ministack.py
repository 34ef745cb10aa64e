"""ministack on a free port of loopback, until standard input ends."""

import os
import shutil
import socket
import sys
import threading
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

os.environ.update(GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", LOG_LEVEL="WARNING", TMPDIR=os.path.dirname(os.path.abspath(__file__)))


def leave():
    sys.stdin.read()
    shutil.rmtree(os.path.dirname(os.path.abspath(__file__)), ignore_errors=True)
    os._exit(0)


def announce():
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                print("ready", port, flush=True)
                return
        time.sleep(0.02)


threading.Thread(target=leave, daemon=True).start()
threading.Thread(target=announce, daemon=True).start()

from ministack.app import main  # noqa: E402  (reads the variables when it is loaded)

sys.argv = ["ministack"]
main()
