"""moto with DynamoDB calls one at a time, on a free port, until standard input ends.

moto rolls a failed transaction back by putting an old copy of the table in
place, which would undo what others wrote meanwhile.
"""

import logging
import os
import shutil
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

app = DomainDispatcherApplication(create_backend_app)
lock = threading.RLock()


def serve(env, start):
    if env.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
        with lock:
            return list(app(env, start))
    return app(env, start)


def leave():
    sys.stdin.read()
    shutil.rmtree(os.path.dirname(os.path.abspath(__file__)), ignore_errors=True)
    os._exit(0)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, serve, threaded=True)
threading.Thread(target=leave, daemon=True).start()
print("ready", server.server_port, flush=True)
server.serve_forever()
