"""Golden cases for the conformance suite: the examples of the spec, and what is derived from the spec by rule."""

from wiretask_codegen.goldens.files import FOLDER, Goldens, make

__all__ = ["FOLDER", "Goldens", "make"]
