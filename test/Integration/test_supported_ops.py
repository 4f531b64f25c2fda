"""docs/SupportedOps.md is what the compiler says of itself."""
import sys

from conftest import BUILD, ROOT, built


def test_the_page_is_up_to_date():
    built("bin/tenon-probe")
    sys.path[:0] = [str(ROOT / "test" / "Conformance")]
    import operators
    assert operators.write(BUILD) == (ROOT / "docs" / "SupportedOps.md").read_text(), \
        "run test/Conformance/run.py --update-ops"
