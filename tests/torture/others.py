"""Programs that nobody here wrote: CPython's own tests, and packages doing what they are for."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from packages import install
from trials import ROOT, Program

DRIVERS = Path(__file__).parent / "programs"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
PACKAGES = ["symbolic", "templates", "parsing", "graph", "lint"]
NAMES = """
    grammar generators coroutines asyncgen yield_from contextlib contextlib_async exceptions
    except_star exception_group raise with scope itertools functools collections dataclasses enum
    json re string fractions statistics heapq bisect textwrap difflib ast patma tokenize
    named_expressions listcomps genexps dictcomps setcomps descr property super subclassinit
    metaclass decorators extcall unpack unpack_ex compare richcmp iter dict set list tuple deque
    defaultdict ordered_dict userdict weakref copy copyreg pickle types typing type_params operator
    call keywordonlyarg positional_only_arg fstring string_literals format configparser csv argparse
    calendar ipaddress random graphlib html htmlparser pprint reprlib shlex abc context sort
    traceback inspect exception_variations generator_stop float complex bool int slice range
    augassign binop funcattrs global isinstance named_expressions opcodes pow print enumerate
    userlist userstring weakset struct type_annotations type_aliases tstring
"""
MODULES = list(dict.fromkeys(NAMES.split()))
# Of modules of which some tests take minutes, or look at what is another one after a suspend.
TESTS = {
    "tokenize": ["TokenizeTest", "UntokenizeTest", "GenerateTokensTest", "TestTokenize"],
}
HASH_SEED = {"PYTHONHASHSEED": "0"}  # sets are walked in one order then, in plain runs too


@cache
def tests_of(python: str) -> frozenset[str]:
    """The modules of CPython's `test` package that this interpreter has; none is no error."""
    code = "import os, test; print(*os.listdir(os.path.dirname(test.__file__)))"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    names = {name.removesuffix(".py") for name in ran.stdout.split()}
    return frozenset(name.removeprefix("test_") for name in names if name.startswith("test_"))


def as_own(version: str, python: str) -> str:
    """A folder by which CPython's `test` package is the program's own: kept by value."""
    code = "import test; print(*test.__path__)"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    place = ROOT / "build/torture" / version / "own"
    place.mkdir(parents=True, exist_ok=True)
    link = place / "test"
    if not link.is_symlink():
        link.symlink_to(ran.stdout.strip())
    return str(place)


def library_programs(version: str, python: str) -> list[Program]:
    """A program for each module of CPython's tests, which are the program's own: kept by value.

    What is installed is imported again, without the state that it gives itself meanwhile, which
    tests do all the time.
    """
    found = []
    for module in MODULES:
        if module not in tests_of(python):
            continue
        name = f"test.test_{module}"
        parts = tuple(f"{name}.{part}" for part in TESTS.get(module, [])) or (name,)
        driver = DRIVERS / "library.py"
        by_value = {**HASH_SEED, "PYTHONPATH": as_own(version, python)}
        found.append(Program(name, driver, after=parts, environment=by_value))
    return found


def package_programs(version: str) -> list[Program]:
    """Programs that use packages of the registry."""
    place = ROOT / "build/torture" / version / "site-packages"
    if failure := install(place, version, "-r", str(REQUIREMENTS)):
        print(f"skipped on {version}: packages: {failure}")
        return []
    environment = {**HASH_SEED, "PYTHONPATH": str(place)}
    return [Program(name, DRIVERS / f"{name}.py", environment=environment) for name in PACKAGES]


def programs(version: str, python: str) -> list[Program]:
    """All of them that this Python can run; says which sort it cannot."""
    library = library_programs(version, python)
    if not library:
        print(f"skipped on {version}: CPython's own tests, which {python} does not have")
    return library + package_programs(version)
