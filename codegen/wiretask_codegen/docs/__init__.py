"""The document backend: PROTOCOL.md and its pictures, all that somebody needs to implement the protocol."""

from wiretask_codegen.docs.backend import render

__all__ = ["render"]
