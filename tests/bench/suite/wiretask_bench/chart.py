"""The chart of a run: how many tasks a second each system does, and how far ours is from its floors."""

from __future__ import annotations

from pathlib import Path

from wiretask_bench.beside import relay
from wiretask_bench.figures import Results
from wiretask_bench.words import number, times

_KEPT, _LOST, _FLOOR = "#1f6f8b", "#b9c6cc", "#e0a458"
_LABELS = 8
_OURS = "Wiretask"
Bar = tuple[str, float, str]


def draw(results: Results, path: Path) -> None:
    """Writes it, in the format that the name of the file says."""
    import matplotlib as mpl

    mpl.use("agg")
    # The same figures make the same file.
    mpl.rcParams.update(
        {
            "svg.hashsalt": "wiretask",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    from matplotlib import pyplot as plt

    bars, rows = _bars(results), [row for row in results.rows if row.ratio]
    heights = [max(len(bars), 1), max(len(rows), 1)]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(11, 1.8 + 0.3 * sum(heights)), height_ratios=heights, layout="constrained"
    )
    names = [name for name, _, _ in bars]
    drawn = above.barh(range(len(bars)), [rate for _, rate, _ in bars], color=[colour for _, _, colour in bars])
    above.bar_label(drawn, [number(rate) for _, rate, _ in bars], padding=3, fontsize=_LABELS)
    _axis(above, names, "single tasks a second, results collected (logarithmic)")
    for label, colour in (("a power cut leaves all", _KEPT), ("it does not", _LOST), ("no scheduler at all", _FLOOR)):
        above.barh([0], [0], color=colour, label=label)
    above.legend(loc="lower right", frameon=False)
    ratios = [row.ratio or 0 for row in rows]
    below.axvline(1, color=_FLOOR)
    below.hlines(range(len(rows)), 1, ratios, color=_LOST)
    below.scatter(ratios, range(len(rows)), color=[_KEPT if row.met else "#c8553d" for row in rows], zorder=3)
    for position, (row, ratio) in enumerate(zip(rows, ratios, strict=True)):
        words = f"  {times(ratio)} {row.floor} ({number(row.value or 0)} {row.unit})"
        below.annotate(words, (max(ratio, 1), position), va="center", fontsize=_LABELS)
    _axis(below, [row.name for row in rows], "× floor of the same run; blue: all its goals are met")
    below.set_xlim(min([0.05, *ratios]), 150 * max([1, *ratios]))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _axis(axes: object, names: list[str], label: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    # A logarithm needs something to draw.
    axes.set_xscale("log" if names else "linear")
    axes.set_yticks(range(len(names)), names)
    for name in axes.get_yticklabels():
        if name.get_text().startswith(_OURS):
            name.set_fontweight("bold")
    axes.invert_yaxis()
    axes.set_title(label, loc="left")
    if axes.get_xlim()[1] > 1:
        axes.margins(x=0.15)


def _bars(results: Results) -> list[Bar]:
    """Names, rates and colours, fastest first."""
    found: list[Bar] = []
    for name, words, colour in (
        ("durable", f"{_OURS}, SQLite, synced", _KEPT),
        ("memory", f"{_OURS}, memory", _LOST),
        ("threads", f"{_OURS}, memory, threads", _LOST),
    ):
        row = results.row(name)
        if row is not None and row.value:
            found.append((words, row.value, colour))
    if floor := relay(results):
        found.append(("bare relay, same frames", floor, _FLOOR))
    for peer in results.peers:
        if peer.rate:
            colour = _KEPT if peer.survives.startswith("all") else _LOST
            found.append((f"{peer.system} ({peer.name})", peer.rate, colour))
    return sorted(found, key=lambda bar: -bar[1])
