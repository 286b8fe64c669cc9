# needs Python 3.11
"""Exception groups, except* and asyncio's task groups: syntax of Python 3.11."""
import asyncio
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


async def grouped(fails, checkpoint):
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            first = group.create_task(asyncio.sleep(0, "first"))
            group.create_task(fails("in the group"))
            checkpoint()
            await asyncio.sleep(3600)
    except* ValueError as errors:
        checkpoint()
        print(errors.exceptions, first.result())


def leaves(group, depth=0):
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each, depth + 1)
        else:
            yield depth, type(each).__name__, str(each)


def raised():
    inner = ExceptionGroup("inner", [KeyError("k"), OSError(5, "five")])
    raise ExceptionGroup("outer", [ValueError("v"), inner, TypeError("t")])


def handled(turn):
    trace = []
    try:
        try:
            raised()
        except* ValueError as errors:
            checkpoint()
            trace.append([str(e) for e in errors.exceptions])
        except* OSError as errors:
            checkpoint()
            trace.append(list(leaves(errors)))
            if turn % 2:
                raise RuntimeError("again") from errors
        except* KeyError:
            trace.append(repr(sys.exc_info()[1]))
            checkpoint()
            raise
    except BaseExceptionGroup as rest:
        checkpoint()
        trace.append((list(leaves(rest)), rest.__notes__ if hasattr(rest, "__notes__") else None))
    return trace


def plain_becomes_a_group():
    try:
        raise ValueError("single")
    except* ValueError as errors:
        checkpoint()
        errors.add_note("seen")
        return_value = errors, errors.__notes__
    finally:
        checkpoint()
    return return_value


def in_a_loop():
    seen = 0
    for i in range(6):
        try:
            if i % 2:
                raise ExceptionGroup(str(i), [IndexError(i)])
        except* IndexError as errors:
            checkpoint()
            seen += int(errors.message)
        else:
            checkpoint()
        finally:
            seen += 100
    return seen


if __name__ == "__main__":
    for turn in range(40 * ROUNDS):
        row = handled(turn), plain_becomes_a_group(), in_a_loop()
        if turn % 10 == 0:
            print(turn, *row, sep="\n  ")
    checkpoint()
    print(ExceptionGroup("kept", [ValueError(1)]).split(ValueError))
