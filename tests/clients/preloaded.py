# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs in a Python that has already imported what they import, which takes most of the time of short ones.

python preloaded.py serve SOCKET MODULE[:ATTRIBUTE] ...    imports, and then runs each program in a fork of itself
python preloaded.py run SOCKET                             has the server run the program on standard input
"""

from __future__ import annotations

import array
import importlib
import json
import operator
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterable

_DESCRIPTORS = 3
_LARGEST = 1 << 20


def run(path: str) -> int:
    """Send the own descriptors, directory and environment to the server, and return the exit code of the program."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(path)
        request = json.dumps({"directory": os.getcwd(), "environment": dict(os.environ)}).encode()  # noqa: PTH109
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", range(_DESCRIPTORS)))
        server.sendmsg([request], [rights])
        # A program that is killed sends nothing.
        return int(server.recv(16) or b"1")


def serve(path: str, preloaded: Iterable[str]) -> None:
    """Run programs until standard input ends: the process that has started this one closes it, or is gone."""
    for name in preloaded:
        module, _, attribute = name.partition(":")
        imported = importlib.import_module(module)
        if attribute:  # pyVmomi loads a type when it is first used
            operator.attrgetter(attribute)(imported)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            client, _ = listener.accept()
            with client:
                if os.fork() == 0:
                    listener.close()
                    _answer(client)


def _answer(client: socket.socket) -> None:
    """Run the program of one request in this process, which then ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors, _flags, _address = socket.recv_fds(client, _LARGEST, _DESCRIPTORS)
    for own, received in enumerate(descriptors):
        os.dup2(received, own)
        os.close(received)
    settings = json.loads(request)
    os.chdir(settings["directory"])
    os.environ.clear()
    os.environ.update(settings["environment"])
    code = _execute(sys.stdin.buffer.read())
    sys.stdout.flush()
    sys.stderr.flush()
    client.send(str(code).encode())
    os._exit(code)


def _execute(program: bytes) -> int:
    sys.argv = ["-"]
    try:
        # It comes from the Ansible that the test has started.
        exec(compile(program, "<stdin>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, the program has ended with it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(run(sys.argv[2]))
