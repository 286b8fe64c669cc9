"""Modules for a worker that lacks them: answers what it asks for (spec/imports.md)."""

from __future__ import annotations

import threading

from elsewhere._gateway.bundle import LIBRARY, Bundle, bundle_of
from elsewhere._gateway.far import prepare
from elsewhere.errors import Error, RemoteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway

AT_ONCE = 1 << 16  # what is no larger goes there without being asked for


def wants_calls_to_import(gateway: Gateway) -> bool:
    """Whether what is called there may import modules from here, where the spec does not say."""
    spec = gateway.spec
    if spec.imports is not None:
        return bool(spec.imports == "controller")
    # A process here finds them itself. Who trusts values only has no reason to show its modules.
    return not (gateway.is_local or spec.thread is not None or spec.trust == "values")


class Lender:
    """The controller's side for one worker.

    Its thread is its own: a callback of the program that waits for code there must not hold up
    what that code imports.

    Raises:
        OSError: the connection was lost.
    """

    def __init__(self, gateway: Gateway) -> None:
        from importlib.util import MAGIC_NUMBER

        self._magic: bytes = gateway.facts["magic"]
        self._has_our_code = self._magic == MAGIC_NUMBER
        self._can_keep = tuple(gateway.facts["python"]) >= (3, 8)
        self._bundles: dict[str, Bundle] = {}  # by hash: what has been offered
        old = tuple(gateway.facts["python"]) < (3, 10)
        channel = prepare(
            gateway,
            "far_imports",
            "install",
            place=f"gateway {gateway.id} ({gateway.host})",
            library=sorted(LIBRARY) if old else [],
        )
        self._ready = threading.Event()
        threading.Thread(
            target=self._serve, args=(channel,), name=f"imports of {gateway.id}", daemon=True
        ).start()
        if not gateway._is_fresh:  # else it is there before anything that comes later
            self._ready.wait(30)

    def _serve(self, channel: Channel) -> None:
        try:
            for number, what, name in channel:
                if what == "ready":
                    self._ready.set()
                else:
                    channel.send((number, self._answer(what, name)))
        except RemoteError as error:
            error.warn()  # it could not be set up
        except (Error, EOFError, OSError):
            pass  # the worker has ended
        except (TypeError, ValueError):
            channel.close("that is no question")
        finally:
            self._ready.set()

    def _answer(self, what: str, name: str) -> Any:
        """Raises ValueError if it is no question."""
        if what == "find":
            return self._find(name)
        if what == "get":
            return self._bundles[name].packed if name in self._bundles else b""
        if what != "keep":
            raise ValueError(what)
        if not self._can_keep:
            return None
        from elsewhere._travel.luggage import part

        return part("files", self._magic)

    def _find(self, name: str) -> tuple[Any, ...] | None:
        bundle = bundle_of(name, self._has_our_code)
        if bundle is None:
            return None
        if not bundle.content:
            return bundle.extensions, False, "", None
        self._bundles[bundle.name] = bundle
        goes_along = len(bundle.content) < 8 * AT_ONCE and len(bundle.packed) <= AT_ONCE
        packed = bundle.packed if goes_along else None
        return bundle.extensions, bundle.is_namespace, bundle.name, packed
