"""The evolution check, broken in every comparison and every rule: the pairs of test_evolution.py must notice.

Mutants are made from the syntax tree of differences.py and evolution.py: a comparison is turned round, `and` becomes `or`,
a `not` goes, a difference is not reported, a key is not compared. None of them is equivalent to the whole: each is noticed.
"""

import ast
import copy
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wiretask_codegen import evolution, load, yamlsource
from wiretask_codegen.differences import differences
from wiretask_codegen.model import Spec
from wiretask_codegen.normal import frozen
from wiretask_codegen.problems import Problems, SpecError

sys.path.insert(0, str(Path(__file__).parent))

import test_evolution as pairs

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "codegen" / "wiretask_codegen"

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass
class Mutant:
    """A module with one thing changed, and what that is."""

    name: str
    tree: ast.Module

    def module(self) -> ModuleType:
        """The module that it is."""
        module = ModuleType("mutant")
        sys.modules["mutant"] = module
        try:
            exec(compile(ast.fix_missing_locations(self.tree), "<mutant>", "exec"), module.__dict__)
        finally:
            del sys.modules["mutant"]
        return module


def mutants(file: str) -> Iterator[Mutant]:
    """Every mutant of a module, named by its function, the text that is changed and what becomes of it."""
    tree = ast.parse((SOURCE / file).read_text())
    seen: dict[str, int] = {}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            for change in changes(node):
                before = short(node)
                whole, part = copy_with(tree, node)
                after = change(part)
                name = f"{function.name}: {before} -> {after}"
                seen[name] = seen.get(name, 0) + 1
                yield Mutant(name if seen[name] == 1 else f"{name} ({seen[name]})", whole)


def copy_with(tree: ast.Module, node: ast.AST) -> tuple[ast.Module, ast.AST]:
    """A copy of a tree, and of a node in it."""
    index = next(index for index, found in enumerate(ast.walk(tree)) if found is node)
    whole = copy.deepcopy(tree)
    return whole, next(found for number, found in enumerate(ast.walk(whole)) if number == index)


def short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}…"


def changes(node: ast.AST) -> Iterator[Callable[[ast.AST], str]]:
    """What can be changed at a node, each as a function that does it and says what it has made."""
    match node:
        case ast.Compare(ops=[_]):
            yield flip
        case ast.BoolOp():
            yield join_otherwise
        case ast.UnaryOp(op=ast.Not()):
            yield affirm
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield silence
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="add"))):
            yield silence
        case ast.For(iter=ast.Tuple(elts=keys)):
            for index in range(len(keys)):
                yield partial(leave_out, index=index)
        case ast.Call(func=ast.Name(id="Difference"), args=[ast.Constant(value=None), *_]):
            yield refuse
        case ast.Call(func=ast.Name(id="Difference"), args=[ast.Constant(), *_]):
            yield allow


def flip(node):
    node.ops = [FLIPPED[type(node.ops[0])]()]
    return short(node)


def join_otherwise(node):
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return short(node)


def affirm(node):
    node.op, node.operand = ast.Not(), ast.UnaryOp(op=ast.Not(), operand=node.operand)
    return short(node.operand.operand)


def silence(node):
    node.value = ast.Constant(value=None)
    return "nothing"


def leave_out(node, index):
    gone = node.iter.elts.pop(index)
    return f"without {short(gone)}"


def refuse(node):
    node.args[0] = ast.Constant(value="refused")
    return "refused"


def allow(node):
    node.args[0] = ast.Constant(value=None)
    return "allowed"


# -- differences.py: two specs in normal form, and what must be said of them ------------------------------------------


@dataclass
class Pair:
    """A released spec and one that follows on it; `rule` is what refuses it, None where it must pass.

    `said` is what is said of what is allowed, where test_evolution.py asks for that.
    """

    name: str
    rule: str | None
    old: dict
    new: dict
    said: set[str] | None = None

    def notices(self, module: ModuleType) -> bool:
        """Whether a test over this pair would fail with a module in place of differences.py."""
        try:
            found = list(module.differences(self.old, self.new, 1))
        except Exception:
            return True
        rules = {difference.rule for difference in found} - {None}
        if self.rule is not None:
            return self.rule not in rules
        return bool(rules) or (self.said is not None and self.said != {difference.what for difference in found})


class Edited:
    """Specs that are edited: what is not touched is read once."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "spec", folder / "spec")
        self.root = folder / "spec"
        self.edit_version()
        self.sources = load._read_all(self.root)

    def edit_version(self) -> None:
        path = self.root / pairs.PROTOCOL
        path.write_text(path.read_text().replace("1: {status: draft}", "1: {status: released}\n  2: {status: draft}"))

    def spec(self, edits=()):
        """The spec with edits, which nobody checks: test_evolution.py does."""
        texts = {}
        for name, old, new in edits:
            text = texts.get(name) or (self.root / name).read_text()
            assert text.count(old) == 1
            texts[name] = text.replace(old, new)
        sources = dict(self.sources)
        for name, text in texts.items():
            path = self.root.parent / "edited.yaml"
            path.write_text(text)
            sources[f"spec/{name}"] = yamlsource.read(path, f"spec/{name}")
        problems = Problems()
        spec = load._resolve(sources, problems, "")
        problems.refuse_if_any()
        return spec


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    return Edited(tmp_path_factory.mktemp("edited"))


@pytest.fixture(scope="module")
def all_pairs(edited):
    """Every pair of test_evolution.py that is about two specs."""
    old = frozen(edited.spec())
    found = [Pair("nothing", None, old, old)]
    for rule, cases in pairs.REFUSED.items():
        found += [
            Pair(f"{rule} {name}", rule, old, frozen(edited.spec(edits)))
            for name, (edits, _) in cases.items()
            if rule != "E14"
        ]
    for rule, cases in pairs.ALLOWED.items():
        found += [
            Pair(f"{rule} {name}", None, old, frozen(edited.spec(edits)), pairs.SAID.get((rule, name)))
            for name, edits in cases.items()
        ]
    return found


def noticed(module: ModuleType, tests) -> bool:
    """Whether any pair or folder notices a module in place of the whole one."""
    return any(test.notices(module) for test in tests)


def test_every_mutant_of_the_differences_is_noticed_by_a_pair(all_pairs):
    whole = SimpleNamespace(differences=differences)
    assert not [pair.name for pair in all_pairs if pair.notices(whole)]
    made = list(mutants("differences.py"))
    assert len(made) > 100
    survivors = {mutant.name for mutant in made if not noticed(mutant.module(), all_pairs)}
    assert not survivors


# -- evolution.py: folders with locks, and the rules that are found broken there ---------------------------------------


def spoil_lock(root: Path) -> None:
    lock = root / "released" / "v1.json"
    lock.write_text(lock.read_text().replace('"u64"', '"u32"', 1))


def rename_lock(root: Path) -> None:
    (root / "released" / "v1.json").rename(root / "released" / "v2.json")


def add_lock(root: Path) -> None:
    text = (root / "released" / "v1.json").read_text()
    (root / "released" / "v7.json").write_text(text.replace('"version": 1', '"version": 7'))


def lay_out_lock(root: Path) -> None:
    lock = root / "released" / "v1.json"
    lock.write_text(json.dumps(json.loads(lock.read_text()), sort_keys=True))


def leave(root: Path) -> None:
    pass


#: What is done to the locks, what is edited, and the rules that are broken then, as test_evolution.py has them.
LOCKS = {
    "what is released passes unchanged": (leave, [], []),
    "a lock is its content and not its layout": (lay_out_lock, [], []),
    "an edited lock is refused": (spoil_lock, [], ["E12", "E14"]),
    "a lock under another name is refused": (rename_lock, [], ["E12", "E14"]),
    "a lock of a version that is not listed is refused": (add_lock, [], ["E14"]),
    "a draft with a lock": (leave, pairs.REFUSED["E14"]["a draft with a lock"][0], ["E14"]),
    "released without a lock": (leave, pairs.REFUSED["E14"]["released without a lock"][0], ["E14"]),
    "a wider range": (leave, pairs.REFUSED["E02"]["a wider range"][0], ["E02"]),
    "an example more": (leave, pairs.ALLOWED["E17"]["an example more"], []),
}


@dataclass
class Folder:
    """A folder with locks, its spec, and the rules that are broken in it."""

    root: Path
    spec: Spec
    rules: list[str]
    text: str

    def notices(self, module: ModuleType) -> bool:
        """Whether a test over this folder would fail with a module in place of evolution.py."""
        problems = Problems()
        try:
            module.check(self.spec, self.root, problems)
        except Exception:
            return True
        whole = all(item.text.endswith(evolution.RULES[item.code]) for item in problems.found)
        said = not self.text or any(item.text.startswith(self.text) for item in problems.found)
        return not whole or not said or sorted({problem.code for problem in problems.found}) != self.rules


class Refusals:
    """The commands over a folder: what they must refuse, and what they must do."""

    def __init__(self, root: Path, spec: Spec) -> None:
        self.root = root
        self.spec = spec

    def notices(self, module: ModuleType) -> bool:
        """Whether a command does not do what test_evolution.py wants of it."""
        calls = (
            (module.release, 1, "E12"),
            (module.release, 7, "E14"),
            (module.diff, 2, "E14"),
            (module.diff, 1, None),
        )
        return any(self._refusal(*call) != call[2] for call in calls) or not self._releases(module)

    def _refusal(self, command, version: int, _code: str | None) -> str | None:
        try:
            command(self.spec, version, self.root)
        except SpecError as error:
            return error.problems[0].code
        except Exception as error:
            return repr(error)
        return None

    def _releases(self, module: ModuleType) -> bool:
        path = self.root / "released" / "v2.json"
        try:
            return module.release(self.spec, 2, self.root) == path and path.exists()
        except Exception:
            return False
        finally:
            path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def all_folders(edited, tmp_path_factory):
    """Every folder of test_evolution.py that is about locks, and the commands."""
    found = []
    for name, (spoil, edits, rules) in LOCKS.items():
        root = tmp_path_factory.mktemp("folder") / "spec"
        root.mkdir()
        evolution.release(edited.spec(), 1, root)
        spoil(root)
        found.append(Folder(root, edited.spec(edits), rules, pairs.LOCK_TEXTS.get(name, "")))
    whole = found[0]
    return [*found, Refusals(whole.root, whole.spec)]


def test_every_mutant_of_the_check_is_noticed_by_a_folder(all_folders):
    assert not [folder for folder in all_folders if folder.notices(evolution)]
    made = list(mutants("evolution.py"))
    assert len(made) > 10
    survivors = {mutant.name for mutant in made if not noticed(mutant.module(), all_folders)}
    assert not survivors
