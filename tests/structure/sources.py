# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""What the structural tests share: which files are ours, C without comments, and self-tests."""

import pathlib
import re
import subprocess
import sys
import tempfile

EXIT_SKIP = 77


def project_files(root):
    """Files of the project, relative to root: what git tracks or would, else all but builds."""
    root = pathlib.Path(root)
    git = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False) if (root / ".git").exists() else None
    if git is not None and git.returncode == 0:
        names = [pathlib.Path(name) for name in git.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*")]
        names = [name for name in names if not is_made(root, name)]
    return sorted(name for name in names if (root / name).is_file())


def is_made(root, name):
    """True for what a build makes, when there is no git to ask."""
    top = name.parts[0]
    return (top == ".git" or (root / top / "meson-private").is_dir()
            or "__pycache__" in name.parts or "target" in name.parts)


def without_comments(text):
    """C text with comments and the content of strings blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + found[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def report(complaints):
    """Print the complaints; the exit status of a test."""
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def self_test(check, good, doctored):
    """Show that check(root) passes on the good tree, and fails on each doctored copy.

    good: {path: text}. doctored: [(what, {path: text, None to remove}, in the complaint)].
    """
    failures = []
    for what, changes, expected in [("the good tree", {}, None), *doctored]:
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**good, **changes}.items():
                if text is not None:
                    file = pathlib.Path(root, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
            complaints = check(pathlib.Path(root))
        if expected is None and complaints:
            failures.append(f"{what}: refused: {complaints}")
        elif expected is not None and not any(expected in text for text in complaints):
            failures.append(f"{what}: no complaint with {expected!r} in {complaints}")
        else:
            print(f"{what}: {complaints[0] if complaints else 'accepted'}")
    return report(failures)


def main(check, good, doctored):
    """The command line of a structural test: ROOT, or --self-test."""
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(check, good, doctored))
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ROOT | --self-test")
    sys.exit(report(check(pathlib.Path(sys.argv[1]))))
