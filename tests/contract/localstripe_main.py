"""Starts localstripe on 127.0.0.1 alone: ``python -m tests.contract.localstripe_main PORT``.

Its own command binds every interface and keeps its state in a file of the system's temporary folder; this does neither.
localstripe is GPL-3.0: it runs as a process of its own and nothing else imports it.
"""

from __future__ import annotations

import sys

from aiohttp import web
from localstripe import resources, server

type(resources.store).dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda text: None)
