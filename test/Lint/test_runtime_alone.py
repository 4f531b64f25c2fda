"""The runtime needs no LLVM, MLIR, protobuf or onnx: neither to build, nor to link, nor in its symbols."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
ALLOWED_LIBRARIES = re.compile(r"(libc|libm|libstdc\+\+|libgcc_s|libpthread|libdl|ld-linux-x86-64)\.so")
FORBIDDEN_SYMBOLS = re.compile(r"\b(mlir|llvm|lld|onnx)::|google::protobuf")
MAX_BYTES = 2 << 20


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def check_library(library):
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-dW", library))
    strange = [name for name in needed if not ALLOWED_LIBRARIES.match(name)]
    assert not strange, f"{library} needs {strange}"
    symbols = output("nm", "-DC", library).splitlines()
    strange = [line for line in symbols if FORBIDDEN_SYMBOLS.search(line)]
    assert not strange, "\n".join(strange[:10])
    assert any(line.endswith(" T tenon_session_create") for line in symbols), "the C API is not exported"


def runtime_library(build):
    found = sorted(build.rglob("libtenon_runtime.so"))
    return found[0] if found else None


def test_the_library_has_no_compiler_inside():
    library = runtime_library(BUILD)
    assert library, f"{BUILD} has no libtenon_runtime.so"
    check_library(library)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def runtime_build():
    """A build by the preset `runtime`: any C++ compiler, FlatBuffers' header, nothing else."""
    build = BUILD / "lint-runtime"
    run("cmake", "-S", ROOT, "-B", build, "--preset", "runtime", "-DTENON_BUILD_TESTS=OFF",
        *(f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in ("MLIR", "LLVM", "Protobuf", "ONNX")))
    run("ninja", "-C", build, f"-j{os.environ.get('TENON_JOBS', '2')}")
    return build


def test_it_builds_alone(runtime_build):
    library = runtime_library(runtime_build)
    assert library, "the build made no libtenon_runtime.so"
    check_library(library)
    size = library.stat().st_size
    assert size <= MAX_BYTES, f"libtenon_runtime.so has {size} bytes, the limit is {MAX_BYTES}"


def test_another_program_finds_it(runtime_build, tmp_path):
    run("cmake", "--install", runtime_build, "--prefix", tmp_path / "prefix")
    (tmp_path / "CMakeLists.txt").write_text("""
cmake_minimum_required(VERSION 3.26)
project(user LANGUAGES C)
find_package(Tenon 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE Tenon::Runtime)
""")
    (tmp_path / "user.c").write_text("""
#include <stdio.h>
#include <tenon-c/runtime.h>
int main(void) { return puts(tenon_runtime_version()) < 0; }
""")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}")
    run("cmake", "--build", tmp_path / "b")
    assert run(tmp_path / "b" / "user").startswith("tenon ")
