"""How objects are kept that do not know it themselves.

`reducers` maps a type to a function that takes an object of exactly that type and returns what
`__reduce_ex__` would: (callable, arguments[, state[, items[, pairs[, setter]]]]), its callables
importable by name. A reducer never changes what it looks at; it raises Refused for what cannot be
kept. Modules that the program has not imported are not imported for this, so the map is made
afresh whenever it is asked for.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Reducer = Callable[[Any], tuple[Any, ...]]

if sys.version_info < (3, 10):  # The module types has these from then on.
    NoneType, EllipsisType, NotImplementedType = type(None), type(...), type(NotImplemented)


def __getattr__(name: str) -> Any:
    if name == "reducers":
        return collect()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def collect() -> dict[type, Reducer]:
    """The reducers for every type that exists in this process."""
    from elsewhere._keep import (
        closed,
        contexts,
        derived,
        entropy,
        files,
        generics,
        iterators,
        locks,
        memory,
        refusals,
        scopes,
        views,
    )

    table: dict[type, Reducer] = {}
    always = (
        iterators,
        files,
        memory,
        locks,
        contexts,
        entropy,
        refusals,
        closed,
        scopes,
        generics,
        derived,
    )
    for module in (*always, views):
        table.update(module.reducers())
    if sys.version_info >= (3, 15):
        from elsewhere._keep import sentinels

        table.update(sentinels.reducers())
    if "select" in sys.modules:
        from elsewhere._keep import tasks

        table.update(tasks.reducers())
    if "functools" in sys.modules:
        from elsewhere._keep import caches

        table.update(caches.reducers())
    if "coverage" in sys.modules:
        from elsewhere._keep import tracers

        table.update(tracers.reducers())
    if "_csv" in sys.modules:
        from elsewhere._keep import tables

        table.update(tables.reducers())
    if "enum" in sys.modules:
        from elsewhere._keep import members

        table.update(members.reducers())
    if "re" in sys.modules:
        from elsewhere._keep import matches

        table.update(matches.reducers())
    if "_elementtree" in sys.modules:
        from elsewhere._keep import trees

        table.update(trees.reducers())
    if "_json" in sys.modules:
        from elsewhere._keep import scanners

        table.update(scanners.reducers())
    if not sys.modules.keys().isdisjoint(("zlib", "_bz2", "_lzma", "_zstd")):
        from elsewhere._keep import compressed

        table.update(compressed.reducers())
    if "_decimal" in sys.modules:
        from elsewhere._keep import decimals

        table.update(decimals.reducers())
    if "_struct" in sys.modules:
        from elsewhere._keep import packing

        table.update(packing.reducers())
    return table
