"""Watch an image while the staging folder, a small file system of its own, is full, and free it: what serves then."""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

from hotgraft import Host, HotgraftError

folder, first, second = map(Path, sys.argv[1:])
image, filling = second.with_name("live.so"), folder / "filling"
shutil.copy(first, image)
postponed, published = threading.Event(), threading.Event()
with Host(staging_folder=folder, probe="off") as host:
    plugin = host.load(image)
    host.on("watch.postponed", lambda _: postponed.set())
    host.on("swap.published", lambda _: published.set())
    try:
        with filling.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        print(f"filled: {error.strerror}")
    try:
        host.reload("counter", second)
    except HotgraftError as error:
        print(f"reload: {type(error).__name__} {error}")
    with host.watch():
        shutil.copy(second, image.with_name("next.so"))
        image.with_name("next.so").replace(image)
        print(f"postponed: {postponed.wait(60)}, build {plugin.build()}")
        filling.unlink()
        print(f"published: {published.wait(60)}, build {plugin.build()}")
