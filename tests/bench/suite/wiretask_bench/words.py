"""Figures as people read them."""

from __future__ import annotations


def number(value: float) -> str:
    """Three digits that count; thousands apart."""
    if abs(value) >= 100:
        rounded = round(value, 2 - (len(str(int(abs(value)))) - 1)) if abs(value) >= 1000 else value
        return f"{rounded:,.0f}".replace(",", " ")
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def whole(value: float) -> str:
    """All digits; thousands apart."""
    return f"{value:,.0f}".replace(",", " ")


def times(ratio: float) -> str:
    """How many times."""
    if ratio < 0.1:
        return f"1/{1 / ratio:.0f}"
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"


def latency(p50: float | None, p99: float | None) -> str:
    """Both, in milliseconds."""
    return "" if p50 is None or p99 is None else f"{number(p50)} / {number(p99)}"
