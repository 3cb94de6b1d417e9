"""Deaths at every boundary of short scenes, one after the other: each write, sync, release and send of every process.

    python tests/simulation/crash_points.py                       every death in every scene
    python tests/simulation/crash_points.py --scene ties --death 17 keep   one of them again, with the story
    python tests/simulation/crash_points.py --twice 500           and so many pairs of deaths, drawn by chance

A death changes nothing that anybody can see but the time: what was asked for ends as it ends without one, and what a
worker has begun is not begun again because somebody else has died.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, product
from random import Random
from typing import NamedTuple

from history import ViolatedError
from scene import Death, Scene  # type: ignore[import-not-found]
from scenes import SCENES  # type: ignore[import-not-found]

#: Tasks that may end in another way after a death, which comes between what decides about them.
_EITHER_WAY = frozenset({"u2"})


class Point(NamedTuple):
    """Deaths in a scene: the place of each, and what is left (see `scene.Death`)."""

    scene: str
    deaths: tuple[tuple[int, bool, bool], ...]

    def words(self) -> str:
        """How to live through it again."""
        each = [f"--death {place}" + " keep" * keep + " arrives" * arrives for place, keep, arrives in self.deaths]
        return f"python tests/simulation/crash_points.py --scene {self.scene} {' '.join(each)}"


def points(name: str) -> Iterator[Point]:
    """Every single death in a scene."""
    plain = Scene(SCENES[name])
    plain.live()
    for place, boundary in enumerate(plain.passed):
        left = (False, True) if boundary.unsynced and boundary.process == "scheduler" else (False,)
        for keep, arrives in product(left, (False, True)):
            yield Point(name, ((place, keep, arrives),))


def pairs(names: Sequence[str], count: int, seed: int) -> Iterator[Point]:
    """Two deaths in one scene, drawn by chance; the second one may come while all recovers from the first one."""
    chance = Random(seed)
    single = {name: list(points(name)) for name in names}
    for _ in range(count):
        name = chance.choice(names)
        (first,) = chance.choice(single[name]).deaths
        after = first[0] + chance.randrange(1, 40)
        yield Point(name, (first, (after, chance.random() < 0.5, chance.random() < 0.5)))


def violated(point: Point) -> str | None:
    """What goes wrong with these deaths, and its story."""
    logging.disable(logging.WARNING)
    scene = Scene(SCENES[point.scene], *(Death(*death) for death in point.deaths))
    try:
        scene.live()
        _as_without(point.scene, scene)
    except ViolatedError as error:
        return f"{error}\n\n{point.words()}"
    return None


_PLAIN: dict[str, dict[str, tuple[int | None, int]]] = {}


def _as_without(name: str, scene: Scene) -> None:
    """Compares with the scene without a death. Raises ViolatedError."""
    if name not in _PLAIN:
        plain = Scene(SCENES[name])
        plain.live()
        _PLAIN[name] = _ends(plain)
    died = {scene.passed[place].process for place in scene.deaths if place < len(scene.passed)}
    for task, (outcome, begun) in _ends(scene).items():
        if task in _EITHER_WAY:
            continue
        was, often = _PLAIN[name][task]
        task_id = scene.history.records[task].id
        if "actor" not in died and outcome != was:
            raise scene.history.violated(f"it ends with {outcome}, and without a death with {was}", task_id)
        if died <= {"scheduler"} and begun > often:
            raise scene.history.violated(f"it begins {begun} times, and without a death {often} times", task_id)


def _ends(scene: Scene) -> dict[str, tuple[int | None, int]]:
    """How each task has ended, and how often it has begun."""
    rows = {name: scene.disk.row(record.id) for name, record in scene.history.records.items()}
    return {
        name: (row.outcome if row is not None else None, len(scene.history.records[name].begun))
        for name, row in rows.items()
    }


def main(words: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", choices=SCENES, action="append", help="this one only")
    parser.add_argument("--death", nargs="+", action="append", metavar="WORD", help="PLACE [keep] [arrives]")
    parser.add_argument("--twice", type=int, default=0, metavar="N", help="also N pairs of deaths")
    parser.add_argument("--seed", type=int, default=1, help="of those pairs")
    parser.add_argument("--all", action="store_true", help="print every one that goes wrong, not only the first")
    options = parser.parse_args(words)
    names = options.scene or list(SCENES)
    if options.death:
        deaths = tuple((int(each[0]), "keep" in each, "arrives" in each) for each in options.death)
        print(violated(Point(names[0], deaths)) or "nothing violated")
        return 0
    began, count, wrong = time.monotonic(), 0, 0
    chosen = [*(point for name in names for point in points(name)), *pairs(names, options.twice, options.seed)]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(violated, chosen, chunksize=50):
            count += 1
            wrong += found is not None
            if found is not None and (options.all or wrong == 1):
                print(found)
    print(f"{count} deaths in {len(names)} scenes, {wrong} violated; {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def some(stride: int, offset: int = 0) -> Iterator[Point]:
    """Each so-manieth death of every scene."""
    for name in SCENES:
        yield from islice(points(name), offset, None, stride)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets of names is a chance, too.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    sys.exit(main())
