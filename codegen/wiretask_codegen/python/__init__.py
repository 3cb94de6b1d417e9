"""The Python backend: the package `wiretask_protocol`, from templates beside this file."""

from wiretask_codegen.python.backend import render

__all__ = ["render"]
