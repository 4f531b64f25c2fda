# The lit suites of Tenon. Run them with `ninja check-lit`, or one file with `lit -v BUILD/test --filter NAME`.
#
# A file is a test if it has a RUN line. Substitutions: %tenon, tenon-opt and the other tools by name (only those of this
# build), %python, %make_models (writes seeded ONNX models: `%make_models --tiny --out %t --only mlp`).
import os
import re
import sys

import lit.formats
import lit.Test

TOOLS = ["tenon", "tenon-opt", "tenon-translate"]
LLVM_TOOLS = ["FileCheck", "not", "split-file", "count", "mlir-opt"]


class TenonTest(lit.formats.ShTest):
    """A shell test that asks for no tool outside of this build."""

    def getTestsInDirectory(self, suite, path, lit_config, config):
        for test in super().getTestsInDirectory(suite, path, lit_config, config):
            with open(test.getSourcePath(), encoding="utf-8") as file:
                if re.search(r"\bRUN:", file.read()):
                    yield test

    def execute(self, test, lit_config):
        with open(test.getSourcePath(), encoding="utf-8") as file:
            runs = "\n".join(line for line in file if "RUN:" in line)
        for tool in absent_tools:
            if re.search(rf"(?<![-\w./]){tool}(?![-\w.])", runs):
                return lit.Test.Result(lit.Test.UNSUPPORTED, f"this build has no target {tool}")
        return super().execute(test, lit_config)


# lit runs tests in child processes: the format must be found by name there.
sys.modules.setdefault("tenon_lit_format", type(sys)("tenon_lit_format"))
sys.modules["tenon_lit_format"].TenonTest = TenonTest

config.name = "Tenon"
config.test_format = TenonTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt", ".py"]
config.excludes = ["Unit", "Lint", "Integration", "Models", "Bench", "Demo", "Compat", "Inputs",
                   "lit.cfg.py", "lit.site.cfg.py", "run_suites.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.tenon_build_dir, "test", "lit")

absent_tools = [tool for tool in TOOLS if tool not in config.tenon_tool_targets]
for tool in TOOLS:
    path = os.path.join(config.tenon_tools_dir, tool)
    if tool not in absent_tools and not os.access(path, os.X_OK):
        lit_config.fatal(f"{path} is missing: build it first (./dev build {tool})")

make_models = os.path.join(config.test_source_root, "Models", "make_models.py")
config.substitutions.append(("%python", config.tenon_python))
config.substitutions.append(("%make_models", f"{config.tenon_python} {make_models}"))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Models")))
config.substitutions.append(("%tenon_bin", config.tenon_tools_dir))

config.environment["PATH"] = os.pathsep.join(
    [config.tenon_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")])
config.environment["PYTHONPATH"] = os.path.join(config.tenon_build_dir, "python")
