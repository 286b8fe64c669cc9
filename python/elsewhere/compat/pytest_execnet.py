"""A pytest plugin: pytest-xdist on elsewhere. `pytest -p elsewhere.compat.pytest_execnet -n 2`."""

from __future__ import annotations

from elsewhere.compat import install

install("execnet")
