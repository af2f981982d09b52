"""A host without a probe reloads an image whose constructor crashes or hangs: what becomes of the process?

Ended by the alarm: the reload was given up, and then loading any other library did not return.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from hotgraft import Host, PluginAbandoned

plain, faulty = sys.argv[1:]
host = Host(probe="off", control_deadline_s=1.0, crash_report=False)
host.load(plain)
try:
    host.reload("plain", faulty)
except PluginAbandoned:
    signal.alarm(2)  # its default ends the process
    ctypes.CDLL("libresolv.so.2")
os._exit(0)
