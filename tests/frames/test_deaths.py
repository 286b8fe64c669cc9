"""What is tried out where a program is left inside of a __del__ is nothing that it notices."""

from __future__ import annotations

from lives import in_one_life

# The handler raises where what is tried out would lose it.
SCRIPT = """
import signal
import elsewhere

class Ticked(Exception):
    pass

def tick(number, frame):
    places.append(frame.f_code.co_filename)
    if frame.f_code.co_filename == "<elsewhere>":
        raise Ticked

class Mortal:
    def __del__(self):
        elsewhere.snapshot("mortal.snap")

places = []
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
x = Mortal()
x = None
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(places) > 0, "<elsewhere>" in places)
"""


def test_no_handler_of_a_signal_runs_in_what_is_tried_out(python, command, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    outcome = in_one_life([command, "run", "--python", python.executable, str(script)], tmp_path)
    assert (outcome.code, outcome.stderr) == (0, b"")
    assert outcome.stdout == b"True False\n"
