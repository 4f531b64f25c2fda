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


def test_it_builds_alone(tmp_path_factory):
    """With the preset `runtime`: any C++ compiler, FlatBuffers' header, nothing else."""
    build = BUILD / "lint-runtime"
    configure = subprocess.run(
        ["cmake", "-S", ROOT, "-B", build, "--preset", "runtime", "-DTENON_BUILD_TESTS=OFF",
         "-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON",
         "-DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_ONNX=ON"],
        capture_output=True, text=True)
    assert configure.returncode == 0, configure.stdout + configure.stderr
    made = subprocess.run(["ninja", "-C", build, f"-j{os.environ.get('TENON_JOBS', '2')}"], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-4000:]
    library = runtime_library(build)
    assert library, "the build made no libtenon_runtime.so"
    check_library(library)
    size = library.stat().st_size
    assert size <= MAX_BYTES, f"libtenon_runtime.so has {size} bytes, the limit is {MAX_BYTES}"


if __name__ == "__main__":
    pytest.main([__file__])
