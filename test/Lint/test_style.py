"""Formatting, sizes, and words that do not belong into a repository."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
MAX_LINES = 800
MAX_BYTES = 1 << 20
MAX_SECONDS = 15
# flatc's output is kept in git so that the runtime builds without flatc.
GENERATED = re.compile(r"_generated\.h$")
TEXT = re.compile(r"\.(h|cpp|c|td|py|mlir|md|cmake|txt|fbs|json|in|cfg)$|^dev$|^\.ci/")
# A path of somebody's machine, or an unfinished merge.
BANNED = [r"/work/(main|wt|shared)", r"/tmp/setup", r"/root/", r"^(<{7}|>{7}) ", r"\bFIXME\b", r"\bXXX\b",
          r"\bTODO(?!\((#?\w+)\))"]


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def cpp_files():
    return [p for p in tracked("*.h", "*.cpp") if not GENERATED.search(p.name)]


def test_cpp_is_formatted():
    tool = shutil.which("clang-format-22")
    assert tool, "clang-format-22 is missing: ./dev setup installs it"
    files = cpp_files()
    done = subprocess.run([tool, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.M)))
    assert done.returncode == 0, "run ./dev format; it changes\n" + "\n".join(wrong)


def test_files_are_short():
    wrong = [f"{p.relative_to(ROOT)}: {n} lines" for p in tracked() if TEXT.search(str(p.relative_to(ROOT)))
             and not GENERATED.search(p.name) and (n := p.read_text(encoding="utf-8").count("\n")) > MAX_LINES]
    assert not wrong, f"the limit is {MAX_LINES} lines:\n" + "\n".join(wrong)


def test_no_large_file_is_tracked():
    wrong = [f"{p.relative_to(ROOT)}: {p.stat().st_size} bytes" for p in tracked() if p.stat().st_size > MAX_BYTES]
    assert not wrong, "\n".join(wrong)


def test_no_banned_words():
    wrong = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if not TEXT.search(name) or path == pathlib.Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            wrong += [f"{name}:{number}: {line.strip()}" for word in BANNED if re.search(word, line)]
    assert not wrong, "\n".join(wrong)


def test_headers_open_with_a_purpose():
    """A header says in its first lines what it is for."""
    wrong = [str(p.relative_to(ROOT)) for p in tracked("*.h") if not GENERATED.search(p.name)
             and not re.match(r"\s*(//|/\*)", p.read_text(encoding="utf-8"))]
    assert not wrong, "\n".join(wrong)


def ninja_times(log):
    """Seconds per object file, of the last time each was compiled."""
    seconds = {}
    for line in log.read_text().splitlines()[1:]:
        start, end, _, target = line.split("\t")[:4]
        if re.search(r"\.(o|pch)$", target):
            seconds[target] = (int(end) - int(start)) / 1000
    return seconds


def test_translation_units_compile_quickly():
    """Reported, not enforced: a loaded machine, or a full cache, says nothing about the code."""
    log = BUILD / ".ninja_log"
    if not log.exists():
        pytest.skip("this build was not made by ninja")
    slow = sorted(((s, t) for t, s in ninja_times(log).items() if s > MAX_SECONDS), reverse=True)
    if slow:
        warnings.warn(f"over {MAX_SECONDS} s: " + ", ".join(f"{t} {s:.1f} s" for s, t in slow[:5]) + f" ({len(slow)} in all; a loaded machine counts double)")


def tidy_sample():
    """The files clang-tidy reads in every run: the ones that hostile input reaches first, and few others."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    files = sorted({c["file"] for c in commands if c["file"].startswith(str(ROOT / "lib"))})
    plan = [f for f in files if re.search(r"/lib/(Plan|Runtime)/", f)]
    return [f for f in plan if re.search(r"(Container|Verifier|Session)\.cpp$", f)] + \
           [f for f in files if re.search(r"/lib/Support/", f)][:1]


def test_clang_tidy_on_a_sample():
    tool = shutil.which("clang-tidy-22")
    assert tool, "clang-tidy-22 is missing: ./dev setup installs it"
    files = tidy_sample()
    assert files, "no file of lib/Plan or lib/Runtime is in compile_commands.json"
    done = subprocess.run([tool, "-p", BUILD, "--quiet", "--warnings-as-errors=*", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
