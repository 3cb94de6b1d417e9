"""The second check of a spec: does it make sense?"""

from wiretask_codegen.lint.whole import check

__all__ = ["check"]
