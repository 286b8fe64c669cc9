"""`imports=controller`: modules that the Python there lacks come from here."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest
from gateway_cases import run_case

FILES = {
    "single.py": "import whole\ndef twice(x): return 2 * x\n",
    "whole/__init__.py": "from . import helper\nfrom .sub import deep\nVALUE = helper.V + deep.V\n",
    "whole/helper.py": "V = 40\ndef fail():\n    raise KeyError('from helper')\n",
    "whole/sub/__init__.py": "",
    "whole/sub/deep.py": "from ..helper import V as OTHER\nV = OTHER - 38\n",
    "whole/data.txt": "some data\n",
    "whole/.hidden": "not sent\n",
    "spaces/part/one.py": "V = 1\n",
    "compiled/__init__.py": "",
    "compiled/_fast.cpython-312-x86_64-linux-gnu.so": "",
    "compiled/either.py": "try: from compiled import _fast\nexcept ImportError: V = 'slow'\n",
}
BEGIN = """
import os, subprocess, sys, threading, time
def make(spec, **given):
    return elsewhere.makegateway(spec + "//chdir=/usr", **given)
def told(gateway, source):
    channel = gateway.remote_exec(source)
    items = list(channel)
    channel.waitclose()
    return items[0] if len(items) == 1 else items
FINDER = "import sys\\nfinder = sys.meta_path[-1]\\nassert finder.elsewhere\\n"
"""

CASES = {
    "modules_and_packages_come_with_what_they_import": """
        gateway = make(SPEC)
        assert told(gateway, "import single; channel.send(single.twice(single.whole.VALUE))") == 84
        assert told(gateway, "import whole.sub.deep as d; channel.send(d.OTHER)") == 40
    """,
    "tracebacks_and_data_are_as_of_modules_there": """
        gateway = make(SPEC)
        try:
            told(gateway, "import whole.helper\\nwhole.helper.fail()")
        except elsewhere.RemoteError as error:
            assert "helper.py" in str(error) and "raise KeyError('from helper')" in str(error)
        else:
            raise AssertionError
        source, data, names = told(
            gateway,
            "import inspect, pkgutil, whole\\nchannel.send(inspect.getsource(whole.helper.fail))\\n"
            "channel.send(pkgutil.get_data('whole', 'data.txt').decode())\\n"
            "channel.send(sorted(m[1] for m in pkgutil.iter_modules(whole.__path__)))",
        )
        assert source.startswith("def fail():\\n    raise") and data == "some data\\n"
        assert names == ["helper", "sub"]
    """,
    "a_C_extension_is_named_with_the_gateway_and_what_to_do": """
        gateway = make(SPEC + "//id=far")
        try:
            told(gateway, "import compiled._fast")
        except elsewhere.RemoteError as error:
            assert "ImportError: compiled._fast is a C extension, and gateway far (" in str(error)
            assert "(hint: install compiled there, for example: " in str(error)
        else:
            raise AssertionError
        assert told(gateway, "import compiled.either as e; channel.send(e.V)") == "slow"
    """,
    "threads_import_while_channels_are_used": """
        gateway = make(SPEC)
        echo = gateway.remote_exec("while 1: channel.send(channel.receive())")
        channels = [
            gateway.remote_exec("import single, whole.sub.deep; channel.send(whole.sub.deep.V)"
                                if number % 2 else "import whole; channel.send(whole.sub.deep.V)")
            for number in range(8)
        ]
        for number in range(50):
            echo.send(b"x" * 100_000)
            assert len(echo.receive(20)) == 100_000
        assert [channel.receive(20) for channel in channels] == [2] * 8
    """,
    "a_module_is_whole_for_every_thread": """
        os.mkdir("slow")
        open("slow/__init__.py", "w").close()
        open("slow/part.py", "w").write("import time\\ntime.sleep(0.5)\\nV = 7\\n")
        gateway = make(SPEC)
        code = "import slow.part; channel.send(slow.part.V)"
        channels = []
        for number in range(8):
            channels.append(gateway.remote_exec(code))
            time.sleep(0.1)
        assert [channel.receive(20) for channel in channels] == [7] * 8
    """,
    "an_answer_that_takes_long_holds_up_no_channel": """
        from elsewhere._gateway import imports
        answer = imports.Lender._answer
        def slowly(*question):
            time.sleep(0.5)
            return answer(*question)
        imports.Lender._answer = slowly
        gateway = make(SPEC)
        echo = gateway.remote_exec("while 1: channel.send(channel.receive())")
        importing = gateway.remote_exec("channel.send(0); import whole; channel.send(whole.VALUE)")
        importing.receive()
        time.sleep(0.1)
        for _ in range(3):
            echo.send(b"x" * 3_000_000)
            assert len(echo.receive(20)) == 3_000_000
        assert importing.receive(20) == 42
    """,
    "functions_may_be_called_when_other_code_has_begun": """
        import single
        gateway = make(SPEC.replace("//imports=controller", ""))
        if gateway.facts["python"] < (3,): raise SystemExit(print("held"))
        busy = gateway.remote_exec("channel.send(1); channel.receive()")
        busy.receive(20)
        gateway.spec.imports = "controller"
        assert gateway.call(single.twice, 4) == 8
        busy.send(None)
    """,
    "what_the_controller_lacks_is_asked_for_once": """
        gateway = make(SPEC)
        source = FINDER + (
            "for name in ('nowhere', 'nowhere', 'whole', 'whole.nowhere', 'nowhere.x', 'json.x'):"
            "\\n try: __import__(name)\\n except ImportError: pass\\n"
            "channel.send(finder.asked)"
        )
        asked = told(gateway, source)
        # nowhere, whole, and the tools to keep it; the names of the library are known from 3.10 on
        assert asked <= (3 if sys.version_info >= (3, 10) else 5), asked
    """,
}
FAR = ["popen", "popen//engine=no", "popen//python=2.7", "ssh", "via"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("far", FAR)
def test_imports(python, package_parent, far, case, tmp_path: Path, request) -> None:
    spec = request.getfixturevalue("sshd").spec() if far == "ssh" else far
    begin = ""
    if far == "via":
        spec, begin = "popen//via=relay", "make('popen//id=relay')\n"
    begin += f"SPEC = {spec + '//imports=controller'!r}\n"
    done = run(python, package_parent, begin + lines_of(CASES[case]), tmp_path)
    assert far == "ssh" or not done.stderr, done.stderr  # a shell there may have a say


HERE = {
    "namespace_packages_come_and_join_what_is_there": """
        os.makedirs("there/spaces/other")
        open("there/spaces/other/two.py", "w").write("V = 2\\n")
        gateway = make("popen//imports=controller")
        assert told(gateway, "import spaces.part.one as m; channel.send(m.V)") == 1
        gateway = make("popen//imports=controller")
        both = "import sys; sys.path.append(%r)\\n" % os.path.abspath("there")
        both += "import spaces.other.two as a, spaces.part.one as b; channel.send((a.V, b.V))"
        assert told(gateway, both) == (2, 1)
    """,
    "what_is_there_comes_first": """
        os.makedirs("there/whole")
        open("there/whole/__init__.py", "w").write("VALUE = 'theirs'\\n")
        gateway = make("popen//imports=controller")
        source = "import sys; sys.path.append(%r)\\n" % os.path.abspath("there")
        source += (
            "import whole\\nchannel.send(whole.VALUE)\\n"
            "try: import whole.helper\\nexcept ImportError: channel.send('not mixed')"
        )
        assert told(gateway, source) == ["theirs", "not mixed"]
    """,
    "resources_are_found": """
        gateway = make("popen//imports=controller")
        source = "import importlib.resources as r; channel.send(r.files('whole').joinpath(%r).%s())"
        assert told(gateway, source % ("data.txt", "read_text")) == "some data\\n"
        assert told(gateway, source % (".hidden", "exists")) is False
    """,
    "calls_import_unless_the_spec_forbids_it": """
        import single
        cases = (("", True), ("//imports=no", False), ("//trust=values", False),
                 ("//trust=values//imports=controller", True))
        for more, works in cases:
            gateway = make("cmd=env A=b" + more)
            try:
                assert gateway.call(single.twice, 4) == 8 and works, more
            except (ImportError, elsewhere.RemoteError) as error:
                assert "single" in str(error) and not works, (more, error)
        with elsewhere.Executor(["cmd=env A=b//chdir=/usr"] * 2) as executor:
            assert list(executor.map(single.twice, range(4))) == [0, 2, 4, 6]
    """,
    "what_came_once_is_kept_for_its_owner_and_checked": """
        from elsewhere._gateway import imports
        open("whole/big.txt", "wb").write(os.urandom(200_000))
        sent = []
        class Lender(imports.Lender):
            def _answer(self, what, name):
                if what == "get":
                    sent.append(name)
                return super()._answer(what, name)
        imports.Lender = Lender
        spec = "popen//imports=controller//env:XDG_CACHE_HOME=" + os.path.abspath("cache")
        source = "import pkgutil; channel.send(pkgutil.get_data('whole', 'big.txt'))"
        big = open("whole/big.txt", "rb").read()
        for times in (1, 1, 2):  # sent, kept, and sent again once somebody has damaged it
            if times == 2:
                with open(path, "r+b") as file:
                    file.seek(1000)
                    file.write(b"damage")
            assert told(make(spec), source) == big
            assert len(sent) == times, sent
            (kept,) = os.listdir("cache/elsewhere")
            path = "cache/elsewhere/" + kept
            assert os.stat(path).st_mode & 0o77 == os.stat("cache/elsewhere").st_mode & 0o77 == 0
        os.chmod("cache/elsewhere", 0o777)  # others could put something there
        assert told(make(spec), source) == big and len(sent) == 3
    """,
    "it_works_where_nothing_can_be_written": """
        place = make("bwrap//imports=controller//env:HOME=/nowhere//env:XDG_CACHE_HOME=/proc/none")
        file = "import whole.sub.deep; channel.send((whole.VALUE, whole.__file__))"
        value, path = told(place, file)
        assert value == 42 and path.startswith("/proc/self/fd/"), path
    """,
    "bytecode_is_used_where_it_fits": """
        import py_compile
        os.utime("single.py", (1_000_000_000, 1_000_000_000))
        made = py_compile.compile("single.py", doraise=True)
        code = open(made, "rb").read()
        assert code.count(b"twice") >= 1
        open("single.py", "w").write("import whole\\ndef twice(x): return 3 * x\\n")
        os.utime("single.py", (1_000_000_000, 1_000_000_000))
        source = "import single; channel.send(single.twice(2))"
        assert told(make("popen//imports=controller"), source) == 4  # of the same time and size
        os.utime("single.py", (1_000_000_001, 1_000_000_001))
        assert told(make("popen//imports=controller"), source) == 6
    """,
    "a_changed_module_is_sent_anew": """
        source = "import single; channel.send(single.twice(2))"
        assert told(make("popen//imports=controller"), source) == 4
        open("single.py", "w").write("def twice(x): return 'changed'\\n")
        assert told(make("popen//imports=controller"), source) == "changed"
    """,
    "only_modules_are_lent": """
        open("secret.txt", "w").write("secret")
        os.symlink(os.path.abspath("secret.txt"), "whole/link.txt")
        os.symlink("data.txt", "whole/inside.txt")
        gateway = make("popen//imports=controller")
        source = FINDER + (
            "for name in ('../single', '/etc/passwd', 'whole/data', 'secret.txt', '__main__', 'os',"
            " '', 'whole.helper'):\\n    assert finder.ask('find', name) is None, name\\n"
            "assert finder.ask('get', 'secret.txt') == b''\\n"
            "import whole, zipfile\\n"
            "names = zipfile.ZipFile(finder.lent['whole'].path).namelist()\\n"
            "channel.send([n for n in names if n.endswith('.txt') or 'hidden' in n])\\n"
            "finder.channel.send('nonsense')\\n"
            "try: finder.channel.receive()\\n"
            "except finder.channel.RemoteError as error: channel.send(str(error))\\n"
        )
        names, error = told(gateway, source)
        assert names == ["whole/data.txt", "whole/inside.txt"] and "no question" in error
        assert told(gateway, "import single; channel.send(1)".replace("single", "math")) == 1
    """,
    "a_forked_process_there_asks_nothing": """
        gateway = make("popen//imports=controller")
        source = (
            "import os, whole\\nread, write = os.pipe()\\nif os.fork() == 0:\\n"
            "    import whole.sub.deep\\n    try: import single\\n"
            "    except ImportError: os.write(write, b'none')\\n    os._exit(0)\\n"
            "os.wait()\\nchannel.send(os.read(read, 9))\\nimport single\\nchannel.send(1)"
        )
        assert told(gateway, source) == [b"none", 1]
    """,
    "a_callback_may_wait_for_code_that_imports": """
        gateway = make("popen//imports=controller")
        came = []
        channel = gateway.remote_exec("channel.send(channel.receive())")
        code = gateway.remote_exec(
            "channel.receive(); import single; channel.send(single.twice(1))"
        )
        def called(item):
            code.send(None)
            came.append(code.receive(20))
        channel.setcallback(called)
        channel.send(1)
        channel.waitclose(30)
        assert came == [2]
    """,
    "distributions_come_with_their_metadata": """
        if sys.version_info < (3, 10):
            raise SystemExit(print("held"))
        place = os.path.abspath("lib/site-packages")
        os.makedirs(place + "/known")
        os.makedirs(place + "/Its_Name-1.5.dist-info")
        open(place + "/known/__init__.py", "w").write(
            "from importlib.metadata import version\\n__version__ = version('its-name')\\n"
        )
        about = place + "/Its_Name-1.5.dist-info/"
        open(about + "METADATA", "w").write("Name: Its-Name\\nVersion: 1.5\\n")
        open(about + "top_level.txt", "w").write("known\\n")
        open(about + "RECORD", "w").write("known/__init__.py,,\\n")
        sys.path.append(place)
        source = "import known; channel.send(known.__version__)"
        assert told(make("popen//imports=controller"), source) == "1.5"
    """,
    "what_lies_in_a_zip_here_comes_too": """
        import zipfile
        with zipfile.ZipFile("lib.zip", "w") as file:
            file.writestr("zipped/__init__.py", "from .part import V\\n")
            file.writestr("zipped/part.py", "V = 'part'\\n")
            file.writestr("zipped/data.txt", "zipped data")
            file.writestr("alone.py", "V = 'alone'\\n")
        sys.path.append(os.path.abspath("lib.zip"))
        source = (
            "import alone, pkgutil, zipped\\n"
            "channel.send((alone.V, zipped.V, pkgutil.get_data('zipped', 'data.txt')))"
        )
        expected = "alone", "part", b"zipped data"
        assert told(make("popen//imports=controller"), source) == expected
    """,
    "a_spec_that_says_something_else_is_refused": """
        try:
            make("popen//imports=everything")
        except elsewhere.errors.UsageError as error:
            assert "imports=controller or imports=no" in error.hint
        else:
            raise AssertionError
    """,
}


@pytest.mark.parametrize("case", HERE)
def test_imports_here(python, package_parent, case, tmp_path: Path) -> None:
    done = run(python, package_parent, lines_of(HERE[case]), tmp_path)
    assert not done.stderr, done.stderr


def run(python, package_parent, body, folder: Path) -> subprocess.CompletedProcess[str]:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return run_case(python.executable, package_parent, BEGIN + body, folder, 60)


def lines_of(case: str) -> str:
    return textwrap.dedent(case)
