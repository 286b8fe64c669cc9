"""How pyteleport packs objects: names that its programs import, of which nothing is used."""

from __future__ import annotations

from collections import namedtuple

from elsewhere import freeze, thaw

__all__ = ["in_code_transmission_engine", "socket_transmission_engine", "transmission_engine"]

transmission_engine = namedtuple(
    "transmission_engine", ("save_to_code", "load_from_code", "on_startup")
)
in_code_transmission_engine = transmission_engine(freeze, thaw, None)
socket_transmission_engine = in_code_transmission_engine
