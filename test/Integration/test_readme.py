"""The README's examples, as they stand there, on a small model of the same name."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import BUILD, ROOT, built


def example(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return block


@pytest.fixture
def folder(tenon, models, tmp_path):
    shutil.copy(models("mlp_tiny"), tmp_path / "mlp.onnx")
    np.save(tmp_path / "x.npy", np.ones((8, 784), np.float32))
    return tmp_path


def run(command, folder, libraries=BUILD / "lib"):
    tools = os.pathsep.join([str(BUILD / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": tools, "PYTHONPATH": str(BUILD / "python"), "LD_LIBRARY_PATH": str(libraries)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_shell(folder):
    run(["bash", "-e", "-c", example("sh")], folder)
    assert np.load(folder / "out" / "logits.npy").shape == (8, 10)


def test_python(folder):
    built("python/tenon/__init__.py")
    assert run([sys.executable, "-c", example("python")], folder).strip() == "(8, 10)"


COMPILING = r"""
#include <tenon-c/compiler.h>

#include <cstdio>

int main() {
  TenonCompileOptions options;
  tenon_compile_options_init(&options);
  options.jobs = 1;
  TenonError *error = tenon_compile_file("mlp.onnx", "mlp.tenon", &options);
  if (error)
    std::printf("%s: %s\n", tenon_error_code(error), tenon_error_message(error));
  const int status = error != nullptr;
  tenon_error_destroy(error);
  error = tenon_compile_file("none.onnx", "none.tenon", nullptr);
  std::puts(error ? tenon_error_code(error) : "no error");
  tenon_error_destroy(error);
  return status;
}
"""


def test_cpp(folder, tenon, runtime_library):
    """Against an installed Tenon: a program that compiles in process, then the README's, which runs what came of it."""
    run(["cmake", "--install", BUILD, "--prefix", folder / "prefix"], folder)
    (folder / "example.cpp").write_text(example("cpp"))
    (folder / "compiling.cpp").write_text(COMPILING)
    (folder / "CMakeLists.txt").write_text(example("cmake") + """
add_compile_options(-Wall -Werror)
add_executable(compiling compiling.cpp)
target_link_libraries(compiling PRIVATE Tenon::Compiler)
""")
    run(["cmake", "-G", "Ninja", "-S", folder, "-B", "b", f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}",
         "-DCMAKE_CXX_COMPILER=clang++-22"], folder, libraries="")
    run(["cmake", "--build", "b"], folder, libraries="")
    assert run(["b/compiling"], folder, libraries="").strip() == "TN1001"
    assert run(["b/example"], folder, libraries="").strip() == "logits: 8 x 10"
    assert run([folder / "prefix/bin/tenon", "--version"], folder, libraries="").startswith("tenon ")
