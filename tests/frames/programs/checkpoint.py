"""Places where a program suspends itself under the harness; nothing in a plain run.

`checkpoint()` must succeed. `attempt()` stands where the stack may be refused: the program then
goes on, and the suspend is due at the next place. `here()(FILE)` is left in the frame that says it.

CHECKPOINT_PLAN  "FILE 3 17": suspend into FILE at the 3rd and at the 17th place
CHECKPOINT_LOG   a file that grows by one byte per place, so that the harness can count them
"""
import os

PLACES = 0
DUE = False
FILE, *PLAN = os.environ.get("CHECKPOINT_PLAN", "-").split()
PLAN = {int(number) for number in PLAN}
LOG = os.environ.get("CHECKPOINT_LOG")


def reached():
    global PLACES, DUE
    PLACES += 1
    if LOG:
        with open(LOG, "ab") as log:
            log.write(b".")
    DUE = DUE or PLACES in PLAN
    return DUE


def checkpoint():
    global DUE
    if reached():
        import elsewhere

        DUE = False
        elsewhere.suspend(FILE)


def here():
    global DUE
    if not reached():
        return str
    import elsewhere

    DUE = False
    return elsewhere.suspend


def attempt():
    global DUE
    if reached():
        import elsewhere
        import elsewhere.errors

        DUE = False
        try:
            elsewhere.suspend(FILE)
        except elsewhere.errors.Refused:
            DUE = True
