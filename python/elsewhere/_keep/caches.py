"""functools: cached functions with their cache, partial, what cmp_to_key makes."""

from __future__ import annotations

import functools

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

CachedFunction = type(functools.lru_cache(None)(len))
CompareKey = type(functools.cmp_to_key(max))


def reducers() -> dict[type, Any]:
    return {
        CachedFunction: reduce_cached,
        CompareKey: reduce_compare_key,
        functools.partial: reduce_partial,
    }


# A cached function is often reachable from what it caches (a method's self), so it is made around
# a stand-in and given its function and results afterwards.


def reduce_cached(cached: Any) -> tuple[Any, ...]:
    for name, (_, failure) in _elsewhere.layout_types("functools").items():
        if failure:
            raise Refused(
                f"{name} is laid out differently in this Python: {failure}",
                "report the exact version of this Python",
            )
    get = _elsewhere.layout_get
    limit = get(cached, "limit", None)
    mark = mark_of_keywords()
    # Only a bounded cache has links; the others have a plain dict, empty for maxsize=0.
    if limit > 0:
        rows = _elsewhere.layout_cache_links(cached)
    else:
        rows = list(get(cached, "cache", None).items())
    state = {
        "function": get(cached, "function", None),
        "hits": get(cached, "hits", 0),
        "misses": get(cached, "misses", 0),
        "rows": [(_without_mark(key, mark), result) for key, result in rows],
        "attributes": cached.__dict__,
    }
    arguments = (
        None if limit < 0 else limit,
        bool(get(cached, "typed", 0)),
        get(cached, "info_type", None),
    )
    return make_cached, arguments, state, None, None, fill_cached


def make_cached(maxsize: int | None, typed: bool, info_type: Any) -> Any:
    return CachedFunction(len, maxsize, typed, info_type)  # type: ignore[call-arg] # not in typeshed


def fill_cached(cached: Any, state: dict[str, Any]) -> None:
    for field in ("function", "hits", "misses"):
        _elsewhere.layout_set(cached, field, state[field])
    cached.__dict__.update(state["attributes"])
    mark = mark_of_keywords()
    cache = _elsewhere.layout_get(cached, "cache", None)
    bounded = _elsewhere.layout_get(cached, "limit", 0) > 0
    for kept, result in state["rows"]:
        key = _with_mark(kept, mark)
        if bounded:
            _elsewhere.layout_add_cache_link(cached, key, result)
        else:
            cache[key] = result


# Keys of calls with keywords contain an object that stands between the two kinds of arguments and
# is another one in every process: a call with one is asked for it.


def mark_of_keywords() -> Any:
    global _mark
    if _mark is None:
        asked = CachedFunction(dict, None, False, None)  # type: ignore[call-arg] # not in typeshed
        asked(keyword=0)
        ((_mark, _, _),) = _elsewhere.layout_get(asked, "cache", None)
    return _mark


_mark: Any = None


def _without_mark(key: Any, mark: Any) -> tuple[int, Any]:
    if type(key) is tuple:
        for index, part in enumerate(key):
            if part is mark:
                return index, key[:index] + key[index + 1 :]
    return -1, key


def _with_mark(kept: tuple[int, Any], mark: Any) -> Any:
    index, key = kept
    return key if index < 0 else (*key[:index], mark, *key[index:])


def reduce_compare_key(key: Any) -> tuple[Any, ...]:
    name, (_, failure) = next(
        found for found in _elsewhere.layout_types("functools").items() if found[1][0] is CompareKey
    )
    if failure:
        raise Refused(
            f"{name} is laid out differently in this Python: {failure}",
            "report the exact version of this Python",
        )
    return (
        _elsewhere.layout_shell,
        (name,),
        _elsewhere.layout_read(key),
        None,
        None,
        _elsewhere.layout_fill,
    )


def reduce_partial(partial: Any) -> tuple[Any, ...]:
    state = (partial.func, partial.args, partial.keywords, partial.__dict__ or None)
    return make_partial, (), state, None, None, fill_partial


def make_partial() -> Any:
    return functools.partial(len)


def fill_partial(partial: Any, state: tuple[Any, ...]) -> None:
    partial.__setstate__(state)
