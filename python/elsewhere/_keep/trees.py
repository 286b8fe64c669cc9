"""xml.etree: Element.iter() and itertext(), at their place in the tree."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

NAME = "_elementtree._element_iterator"


def reducers() -> dict[type, Any]:
    kind, _ = _elsewhere.layout_types("_elementtree")[NAME]
    return {kind: reduce_walk}


def reduce_walk(walk: Any) -> tuple[Any, ...]:
    _, failure = _elsewhere.layout_types("_elementtree")[NAME]
    if failure:
        raise Refused(
            f"{NAME} is laid out differently in this Python: {failure}",
            "report the exact version of this Python, or iterate over list(element.iter())",
        )
    get = _elsewhere.layout_get
    root = get(walk, "root", None)  # until it has begun
    state = (root, get(walk, "tag", None), get(walk, "texts", 0), _elsewhere.layout_tree_path(walk))
    return make_walk, (root is not None,), state, None, None, fill_walk


def make_walk(fresh: bool) -> Any:
    import _elementtree  # type: ignore[import-not-found] # not in typeshed

    walk = _elementtree.Element("elsewhere").iter()
    if not fresh:
        next(walk)
        next(walk, None)
    return walk


def fill_walk(walk: Any, state: tuple[Any, Any, int, list[tuple[Any, int]]]) -> None:
    root, tag, texts, path = state
    if root is not None:
        _elsewhere.layout_set(walk, "root", root)
    _elsewhere.layout_set(walk, "tag", tag)
    _elsewhere.layout_set(walk, "texts", texts)
    _elsewhere.layout_set_tree_path(walk, path)
