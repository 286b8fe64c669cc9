"""RSync: a folder goes to other places through gateways."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

BEGIN = """
import os, pathlib
here = pathlib.Path.cwd()
source, one, two = here / "source", here / "one", here / "two"
source.mkdir()
group = elsewhere.Group(["popen", FAR])

def sync(*places, callback=None, verbose=False, **options):
    rsync = elsewhere.RSync(source, callback=callback, verbose=verbose)
    for gateway, place in zip(group, places):
        rsync.add_target(gateway, place, **options)
    rsync.send()
    return rsync
"""

CASES = {
    "only_what_differs_is_sent": """
        (source / "sub").mkdir()
        (source / "empty").touch()
        sent = []
        for text in ("1", "1", "22", "33"):
            (source / "sub" / "ä file").write_text(text)
            sync(one, two, callback=lambda *told: sent.append(told[:2]))
            for place in one, two:
                assert (place / "sub" / "ä file").read_text() == text
                assert (place / "empty").read_bytes() == b""
                os.utime(place / "sub" / "ä file", (0, 0))
        assert sent.count(("list", 0)) == 0 and ("ack", 2) in sent
    """,
    "what_is_not_here_is_deleted_there_only_if_asked": """
        (source / "kept").touch()
        for place in one, two:
            (place / "old" / "deep").mkdir(parents=True)
        rsync = elsewhere.RSync(source, verbose=False)
        finished = []
        rsync.add_target(group[0], one, delete=True, finishedcallback=lambda: finished.append(1))
        rsync.add_target(group[1], two)
        rsync.send()
        assert not (one / "old").exists() and (two / "old" / "deep").exists() and finished == [1]
        for _ in range(2):
            try:
                rsync.send()
            except OSError:
                continue
            raise AssertionError
        assert rsync.send(raises=False) is None
    """,
    "a_link_that_was_laid_where_a_file_is_made_is_not_followed": """
        (here / "prey").write_text("mine")
        (source / "file").write_text("sent")
        one.mkdir()
        far = group[0].remote_exec("import os; channel.send(os.getpid())").receive()
        (one / f"file.{far}.part").symlink_to(here / "prey")
        sync(one)
        assert (here / "prey").read_text() == "mine" and (one / "file").read_text() == "sent"
        assert not (one / "file").is_symlink()
    """,
    "modes_and_times_are_kept": """
        (source / "run").write_text("x")
        (source / "run").chmod(0o754)
        (source / "locked").mkdir(mode=0o500)
        os.utime(source / "run", (1, 1.5))
        sync(one, two)
        for place in one, two:
            assert (place / "run").stat().st_mode & 0o777 == 0o754
            assert abs((place / "run").stat().st_mtime - 1.5) < 0.01
            assert (place / "locked").stat().st_mode & 0o700 == 0o700
        (source / "run").chmod(0o640)
        os.utime(source / "run", (1, 1.5))
        sync(one, two)
        assert (two / "run").stat().st_mode & 0o777 == 0o640
    """,
    "links_stay_links_and_lead_into_the_copy": """
        (source / "sub").mkdir()
        (source / "sub" / "file").touch()
        (source / "relative").symlink_to("sub/file")
        (source / "absolute").symlink_to(source / "sub" / "file")
        (source / "out").symlink_to(here)
        for _ in range(2):
            sync(one, two)
        for place in one, two:
            assert os.readlink(place / "relative") == "sub/file"
            assert os.readlink(place / "absolute") == str(place / "sub" / "file")
            assert os.readlink(place / "out") == str(here)
    """,
    "a_file_becomes_a_folder_and_a_folder_a_file": """
        (source / "a").mkdir()
        (source / "a" / "in").touch()
        (source / "b").touch()
        for place in one, two:
            place.mkdir()
            (place / "a").touch()
            (place / "b").mkdir()
        sync(one, two)
        assert (two / "a" / "in").is_file() and (one / "b").is_file()
    """,
    "files_may_disappear_and_be_filtered_out": """
        for name in ("gone", "kept", "no"):
            (source / name).write_text(name)
        class Mine(elsewhere.RSync):
            def filter(self, path):
                if path.endswith("gone"):
                    os.unlink(path)
                return not path.endswith("no")
            def _report_send_file(self, gateway, path):
                reported.append((gateway.id, path, self._sourcedir, self._verbose))
        reported = []
        rsync = Mine(source)
        rsync.add_target(group[1], two)
        rsync.send()
        assert os.listdir(two) == ["kept"]
        assert reported == [("gw1", "kept", str(source), True)]
    """,
    "a_place_reads_only_what_it_was_offered": """
        (source / "file").touch()
        (here / "secret").write_text("secret")
        for names in (["..", "secret"], [str(here / "secret")], ["file", "..", "..", "secret"]):
            rsync = elsewhere.RSync(source, verbose=False)
            channel = group[0].remote_exec("tree = channel.receive();"
                "channel.send(('list', [(%r, None)])); channel.receive()" % names)
            put = rsync._received.put
            channel.setcallback(lambda item, put=put, it=channel: put((it, item)))
            rsync._channels[channel] = None
            try:
                rsync.send()
            except RuntimeError as error:
                assert "not offered" in str(error)
            else:
                raise AssertionError
    """,
    "one_file_is_copied_as_well_as_a_folder": """
        (here / "alone").write_text("1")
        for _ in range(2):
            rsync = elsewhere.RSync(here / "alone", verbose=False)
            rsync.add_target(group[1], two)
            rsync.send()
        assert two.read_text() == "1"
    """,
    "a_place_that_cannot_be_written_is_an_error": """
        (source / "file").touch()
        (here / "file").touch()
        try:
            sync(here / "file" / "below")
        except elsewhere.RemoteError as error:
            assert "below" in str(error)
        else:
            raise AssertionError
        os.mkfifo(source / "pipe")
        try:
            sync(one)
        except ValueError as error:
            assert "pipe" in str(error)
        else:
            raise AssertionError
    """,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("far", ["popen", "popen//python=2.7"])
def test_rsync(python, package_parent, far, case, tmp_path: Path) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    run_case(python.executable, package_parent, BEGIN.replace("FAR", repr(far)) + body, tmp_path)
