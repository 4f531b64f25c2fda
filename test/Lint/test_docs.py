"""Documentation that can be checked: links lead somewhere, and ./dev has the commands the documents name."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def documents():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.split() if (ROOT / line).exists()]


def test_links_lead_somewhere():
    wrong = []
    for path in documents():
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                wrong.append(f"{path.relative_to(ROOT)}: {target}")
    assert not wrong, "\n".join(wrong)


def test_dev_has_the_commands_that_are_named():
    usage = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  (\w+)", usage, re.M))
    named = {(path.name, command) for path in documents()
             for command in re.findall(r"\./dev (\w+)", path.read_text(encoding="utf-8"))}
    wrong = [f"{name}: ./dev {command}" for name, command in sorted(named) if command not in known]
    assert not wrong, "\n".join(wrong)
