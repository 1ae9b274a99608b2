# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""The package: its version, its names, and stubs that say what is there."""

import ast
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from importlib import resources

import pytest
import tachyon
from support import environment, run_program

STUB = resources.files("tachyon").joinpath("_ext.pyi")


def stub_classes() -> dict[str, ast.ClassDef]:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def test_the_version_is_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", tachyon.__version__)


def test_the_version_is_the_projects():
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
    try:
        with open(os.path.join(root, "lib/include/tachyon/version.h"), encoding="ascii") as header:
            numbers = re.findall(r"TACHYON_VERSION_M\w+ (\d+)", header.read())
    except FileNotFoundError:
        pytest.skip("not in the source tree")
    assert tachyon.__version__ == ".".join(numbers)


def test_every_name_of_all_is_there():
    assert sorted(set(tachyon.__all__)) == sorted(tachyon.__all__)
    for name in tachyon.__all__:
        assert hasattr(tachyon, name), name


def test_every_public_name_is_in_all():
    public = {
        name
        for name, value in vars(tachyon).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public <= set(tachyon.__all__)


def test_the_package_is_documented():
    assert tachyon.__doc__


@pytest.mark.parametrize("name", [name for name in tachyon.__all__ if name != "__version__"])
def test_every_public_name_is_documented(name):
    documentation = getattr(tachyon, name).__doc__
    assert documentation
    assert documentation.strip()


@pytest.mark.parametrize(
    "name",
    ["Bus", "Listener", "TxGuard", "RxGuard", "RxBatch", "RxMessage", "Message"],
)
def test_every_public_method_is_documented(name):
    bare = [
        attribute
        for attribute in vars(getattr(tachyon, name))
        if not attribute.startswith("_")
        and not (getattr(tachyon, name).__dict__[attribute].__doc__ or "").strip()
    ]
    assert bare == []


def test_classes_say_that_they_are_tachyons():
    for name in tachyon.__all__:
        value = getattr(tachyon, name)
        if inspect.isclass(value):
            assert value.__module__.split(".")[0] == "tachyon", name
            assert value.__qualname__ == name


def test_the_package_is_typed():
    assert resources.files("tachyon").joinpath("py.typed").is_file()
    assert STUB.is_file()


def test_a_program_needs_neither_numpy_nor_torch():
    source = "import sys, tachyon; print('numpy' in sys.modules, 'torch' in sys.modules)"
    assert run_program(source) == "False False\n"


def test_the_package_is_imported_without_asyncio():
    source = "import sys, tachyon; print('asyncio' in sys.modules)"
    assert run_program(source) == "False\n"


# --- stubs ---


@pytest.mark.parametrize("name", stub_classes())
def test_what_the_stubs_have_is_there(name):
    value = getattr(importlib.import_module("tachyon._ext"), name)
    for node in stub_classes()[name].body:
        if isinstance(node, ast.FunctionDef):
            attribute = node.name
        elif isinstance(node, ast.AnnAssign):
            attribute = node.target.id
        else:
            continue
        if attribute == "__buffer__" and sys.version_info < (3, 12):
            continue
        assert hasattr(value, attribute), f"{name}.{attribute}"


@pytest.mark.parametrize("name", stub_classes())
def test_what_is_there_the_stubs_have(name):
    value = getattr(importlib.import_module("tachyon._ext"), name)
    if issubclass(value, tuple):
        node = stub_classes()[name]
        fields = [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]
        assert list(getattr(value, "_fields", fields)) == fields
        return
    said = {
        getattr(node, "name", None) or node.target.id
        for node in stub_classes()[name].body
        if isinstance(node, (ast.FunctionDef, ast.AnnAssign))
    }
    public = {attribute for attribute in vars(value) if not attribute.startswith("_")}
    assert public <= said


def stub_parameters(node: ast.FunctionDef) -> dict[str, object]:
    """Names of parameters, with their defaults."""
    names = [one.arg for one in [*node.args.posonlyargs, *node.args.args]]
    defaults = [inspect.Parameter.empty] * (len(names) - len(node.args.defaults))
    defaults += [ast.literal_eval(one) for one in node.args.defaults]
    names += [one.arg for one in node.args.kwonlyargs]
    defaults += [
        inspect.Parameter.empty if one is None else ast.literal_eval(one)
        for one in node.args.kw_defaults
    ]
    return dict(zip(names, defaults, strict=True))


@pytest.mark.parametrize("name", stub_classes())
def test_signatures_are_those_of_the_stubs(name):
    """Those that the extension tells: help() shows them."""
    value = getattr(importlib.import_module("tachyon._ext"), name)
    wrong = {}
    for node in stub_classes()[name].body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("__"):
            continue
        if "property" in [ast.unparse(one) for one in node.decorator_list]:
            continue
        try:
            signature = inspect.signature(getattr(value, node.name))
        except ValueError:
            wrong[node.name] = "none"
            continue
        said = stub_parameters(node)
        if "classmethod" in [ast.unparse(one) for one in node.decorator_list]:
            del said["cls"]
        runs = {one.name: one.default for one in signature.parameters.values()}
        if list(runs.items()) != list(said.items()):
            wrong[node.name] = str(signature)
    assert wrong == {}


@pytest.mark.parametrize("name", stub_classes())
def test_final_classes_are_final(name):
    value = getattr(importlib.import_module("tachyon._ext"), name)
    decorators = [ast.unparse(one) for one in stub_classes()[name].decorator_list]
    if "final" in decorators:
        with pytest.raises(TypeError):
            type("Sub", (value,), {})


#: What stubtest cannot know, or what a stub has no words for in the oldest Python.
ALLOWED = r"""
tachyon\._ext\.\w+\.__buffer__
tachyon\._ext\.(Bus|Listener|Publisher|Stream|Subscriber)
"""


def test_mypy_finds_that_stubs_and_extension_agree(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    allowed = tmp_path / "allowed"
    allowed.write_text(ALLOWED, encoding="ascii")
    finished = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "tachyon", "--concise"]
        + ["--allowlist", str(allowed), "--ignore-unused-allowlist"],
        capture_output=True,
        text=True,
        env=environment() | {"MYPYPATH": os.path.dirname(os.path.dirname(tachyon.__file__))},
        timeout=50,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


# --- interpreters ---


def test_the_module_is_imported_again_after_it_was_forgotten():
    assert (
        run_program(
            """
            import gc, sys, tachyon
            for name in [name for name in sys.modules if name.startswith("tachyon")]:
                del sys.modules[name]
            first = tachyon
            del tachyon
            import tachyon
            gc.collect()
            print(first.Message(1, b"a").data, tachyon.Message(1, b"a").data)
            del first
            gc.collect()
            print(tachyon.Message(1, b"a").data)
            """
        )
        == "b'a' b'a'\nb'a'\n"
    )


def test_a_sub_interpreter_is_refused_or_works():
    """It is not declared to work: so it must be refused in order, or be right."""
    assert (
        run_program(
            """
            try:
                import _xxsubinterpreters as interpreters
            except ImportError:
                try:
                    import _interpreters as interpreters
                except ImportError:
                    print("done")
                    raise SystemExit
            import tachyon
            one = interpreters.create()
            code = '''
            try:
                import tachyon
            except ImportError:
                pass
            else:
                assert tachyon.Message(1, b"a").data == b"a"
            '''
            import textwrap
            result = interpreters.run_string(one, textwrap.dedent(code))
            assert result is None, result
            interpreters.destroy(one)
            print(tachyon.Message(1, b"b").data.decode(), "done")
            """
        )
        .strip()
        .endswith("done")
    )


def test_the_extension_warns_of_nothing():
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", "import tachyon"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=50,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
