import sys

import pytest

from wiretask_worker import handlers, loading
from wiretask_worker.errors import DefinitionError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder that is searched for modules, and forgotten with all that was imported from it."""
    before = set(sys.modules)
    monkeypatch.setattr(handlers, "DEFINED", [])
    monkeypatch.setattr(loading, "DEFINED", handlers.DEFINED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


HEAD = "from wiretask_worker import task\n"


def test_the_built_in_task_is_always_there(here):
    catalog = loading.load([])
    assert [handler.name for handler in catalog] == ["sha256"]
    assert catalog["sha256"].raw
    assert catalog["sha256"](b"Hello, World!") == b"dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"


def test_the_tasks_of_all_modules_are_gathered(here):
    (here / "one_tasks.py").write_text(HEAD + "import two_tasks\n@task\ndef one(): ...\n")
    (here / "two_tasks.py").write_text(HEAD + "@task\ndef two(): ...\n")
    assert [handler.name for handler in loading.load(["one_tasks", "two_tasks"])] == ["sha256", "two", "one"]


def test_a_task_called_like_a_built_in_one_is_refused(here):
    (here / "mine.py").write_text(HEAD + "@task\ndef sha256(body: bytes): ...\n")
    with pytest.raises(DefinitionError, match=r"two tasks have the name 'sha256': .*builtin.py:\d+ and .*mine.py:2"):
        loading.load(["mine"])


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        (
            "absent",
            None,
            "cannot import the task module 'absent': ModuleNotFoundError: No module named",
        ),
        ("package.absent", None, "No module named 'package' (looked in"),
        ("needs", "import not_installed", "No module named 'not_installed' ("),
        ("wrong", "x = 1\nundefined\n", "NameError: name 'undefined' is not defined ("),
        ("syntax", "def (", "SyntaxError: invalid syntax (syntax.py, line 1)"),
        ("exits", "import sys\nsys.exit(3)", "SystemExit: 3 ("),
        ("silent", "raise ValueError", "cannot import the task module 'silent': ValueError ("),
        ("badly", HEAD + "@task(name='a b')\ndef f(): ...\n", "the name 'a b' is not a Name"),
        ("some/tasks.py", None, "--tasks some/tasks.py: give the module's name, not its file: --tasks some.tasks"),
        ("./tasks.py", None, "--tasks tasks"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_in_one_line(here, module, source, words):
    if source is not None:
        (here / f"{module}.py").write_text(source)
    with pytest.raises(DefinitionError) as caught:
        loading.load([module])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_in_a_module_is_told_with_its_place(here):
    (here / "wrong.py").write_text("x = 1\nundefined\n")
    with pytest.raises(DefinitionError, match=r"\(.*wrong.py:2\)$"):
        loading.load(["wrong"])


def test_the_current_directory_is_searched(here, monkeypatch):
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    loading.search_here()
    loading.search_here()
    assert sys.path == [str(here), "/elsewhere"]
