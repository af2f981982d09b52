"""The C examples, built as somebody would who installed the package: against its headers and its one library."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import hotgraft
import pytest
from hotgraft.engine.build import build_plugin, find_compiler

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "native" / "examples" / "c_host"
PACKAGE = Path(hotgraft.__path__[0])


def counter(folder: Path, version: str) -> Path:
    """Build plugins_c/counter of `version` in a copy of its folder."""
    return build_plugin(shutil.copytree(ROOT / "plugins_c" / "counter" / version, folder / version))


def compile_example(folder: Path, source: str, *flags: str) -> Path:
    """Compile one example against the installed package."""
    library = PACKAGE / "lib"
    program = folder / source.removesuffix(".c")
    command = [find_compiler(), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
    command += [str(EXAMPLES / source), "-o", str(program)]
    command += [f"-I{PACKAGE / 'include'}", f"-I{ROOT / 'plugins_c' / 'counter' / 'v1'}", "-pthread", *flags]
    command += [str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}", "-ldl", "-lm", "-lutil"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def test_c_program_replaces_a_plugin_under_a_calling_thread(tmp_path: Path) -> None:
    """The core is whole without Python."""
    program = compile_example(tmp_path, "main.c")
    images = [str(counter(tmp_path, version)) for version in ("v1", "v2")]
    command = [str(program), str(tmp_path / "staged"), *images]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generation 2 serves" in done.stdout
    assert "0 failed; unloaded for certain: 1, stuck: 0" in done.stdout
    metered = re.search(r"generation 2 was called (\d+) times; of (\d+) calls that were timed", done.stdout)
    assert metered is not None and int(metered[1]) >= 100_000 and 0 < int(metered[2]) < int(metered[1])


REPORTS = """
#include <hotgraft_core.h>
#include <stdio.h>
#include <string.h>

#define OLD_BYTES 32 /* as far as pause_ns, and no further */
#define DEADLINE_NS UINT64_C(5000000000)

int main(int argc, char **argv) {
    static const char *const interfaces[] = {"counter/1"};
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_core_report old;
    hotgraft_core_report report;
    memset(&old, 0x5a, sizeof old);
    memset(&report, 0, sizeof report);
    old.struct_size = OLD_BYTES;
    report.struct_size = sizeof report;
    if (argc != 4 || hotgraft_core_open("counter", argv[1], interfaces, 1, &plugin, NULL) != HOTGRAFT_CORE_OK ||
        hotgraft_core_load(plugin, argv[2], NULL, DEADLINE_NS, &old, NULL) != HOTGRAFT_CORE_OK ||
        hotgraft_core_load(plugin, argv[3], NULL, DEADLINE_NS, &report, NULL) != HOTGRAFT_CORE_OK) {
        return 2;
    }
    printf("%llu %d %d %d\\n", (unsigned long long)old.generation, old.publish_ns == UINT64_C(0x5a5a5a5a5a5a5a5a),
           report.publish_ns > 0 && report.transfer_ns > 0, report.publish_ns + report.transfer_ns < report.pause_ns);
    return hotgraft_core_close(plugin, DEADLINE_NS, NULL) == HOTGRAFT_CORE_OK ? 0 : 1;
}
"""


def test_a_report_is_filled_as_far_as_its_caller_knows_it(tmp_path: Path) -> None:
    """A program built before the pause was split must not have memory written that is not the report's."""
    source = tmp_path / "reports.c"
    source.write_text(REPORTS)
    program = compile_example(tmp_path, str(source))
    images = [str(counter(tmp_path, version)) for version in ("v1", "v2")]
    done = subprocess.run([program, tmp_path / "staged", *images], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 1 1 1\n"


def test_embedded_python_shares_the_core_of_its_c_host(tmp_path: Path) -> None:
    """Two cores in one process would each believe they are alone."""
    flags = _embedding_flags()
    program = compile_example(tmp_path, "embed.c", *flags)
    script = tmp_path / "script.py"
    # As a person's own Python would find it, an editable install's .pth file included.
    script.write_text(
        f"import site, sys\nsys.path[:0] = {sys.path!r}\nsite.addsitedir({sysconfig.get_path('purelib')!r})\n"
        "from hotgraft import _core\ncore = _core.core_path\n"
    )
    command = [str(program), str(tmp_path / "staged"), str(counter(tmp_path, "v1")), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _embedding_flags() -> list[str]:
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / (sysconfig.get_config_var("LDLIBRARY") or "")
    if not library.is_file():
        pytest.skip(f"this Python has no library to embed: {library}")
    flags = [f"-I{sysconfig.get_path('include')}", str(library), "-rdynamic", f"-Wl,-rpath,{library.parent}"]
    return flags + (sysconfig.get_config_var("LIBS") or "").split()
