"""Functions compiled by numba, with the compiled code kept between starts where there is a place to keep it.

Importing numba takes half a second: a module that uses ``compiled`` is imported where it is needed, not at a start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """``function`` as machine code that lets other threads run; its arguments are numbers and numpy arrays."""
    made: Any
    try:
        made = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        # A read-only installation and no home: compiled again at each start.
        made = numba.njit(nogil=True, error_model="numpy")(function)
    return cast(Function, made)
