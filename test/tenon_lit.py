"""The lit format of Tenon's suites: a shell test that asks for no tool outside of this build."""
import re

import lit.formats
import lit.Test


class TenonTest(lit.formats.ShTest):
    def __init__(self, absent_tools):
        super().__init__(execute_external=False)
        self.absent_tools = absent_tools

    def getTestsInDirectory(self, suite, path, lit_config, config):
        """Only files with a RUN line: a suite may keep its inputs beside its tests."""
        for test in super().getTestsInDirectory(suite, path, lit_config, config):
            with open(test.getSourcePath(), encoding="utf-8") as file:
                if "RUN:" in file.read():
                    yield test

    def execute(self, test, lit_config):
        with open(test.getSourcePath(), encoding="utf-8") as file:
            runs = "\n".join(line for line in file if "RUN:" in line)
        for tool in self.absent_tools:
            if re.search(rf"(?<![-\w./]){tool}(?![-\w.])", runs):
                return lit.Test.Result(lit.Test.UNSUPPORTED, f"this build has no target {tool}")
        return super().execute(test, lit_config)
