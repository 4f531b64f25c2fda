# The lit suites of Tenon. Run them with `ninja check-lit`, or one file with `lit -v BUILD/test --filter NAME`.
#
# A file is a test if it has a RUN line. Substitutions: %tenon, tenon-opt and the other tools by name (only those of this
# build), %python, %make_models (writes seeded ONNX models: `%make_models --tiny --out %t --only mlp`).
import os
import sys

TOOLS = ["tenon", "tenon-opt", "tenon-translate"]
LLVM_TOOLS = ["FileCheck", "not", "split-file", "count", "mlir-opt"]


sys.path.insert(0, os.path.dirname(__file__))
from tenon_lit import TenonTest  # noqa: E402

absent_tools = [tool for tool in TOOLS if tool not in config.tenon_tool_targets]
for tool in TOOLS:
    path = os.path.join(config.tenon_tools_dir, tool)
    if tool not in absent_tools and not os.access(path, os.X_OK):
        lit_config.fatal(f"{path} is missing: build it first (./dev build {tool})")

config.name = "Tenon"
config.test_format = TenonTest(absent_tools)
config.suffixes = [".mlir", ".test", ".onnxtxt", ".py"]
config.excludes = ["Unit", "Lint", "Integration", "Models", "Bench", "Demo", "Compat", "Inputs", "Python",
                   "lit.cfg.py", "lit.site.cfg.py", "run_suites.py", "tenon_lit.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.tenon_build_dir, "test", "lit")

make_models = os.path.join(config.test_source_root, "Models", "make_models.py")
config.substitutions.append(("%python", config.tenon_python))
config.substitutions.append(("%make_models", f"{config.tenon_python} {make_models}"))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Models")))
config.substitutions.append(("%tenon_bin", config.tenon_tools_dir))

config.environment["PATH"] = os.pathsep.join(
    [config.tenon_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")])
config.environment["PYTHONPATH"] = os.path.join(config.tenon_build_dir, "python")
config.environment["TENON_PYTHON"] = config.tenon_python
