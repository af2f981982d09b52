"""Load into the folder named by the argument, which was mounted noexec for this process."""

from __future__ import annotations

import sys

from hotgraft import Host, HotgraftError

image, folder = sys.argv[1:]
try:
    with Host(staging_folder=folder) as host:
        host.load(image)
except HotgraftError as error:
    print(error)
