"""Tasks of asyncio that handle their cancel deep inside, or an error of what they wait for, under a trace
function: who only passes the exception on is told nothing."""
import asyncio
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
told = []


def tracer(frame, event, argument):
    if frame.f_code.co_filename != __file__:
        return None
    if event != "line":
        told.append(f"{frame.f_code.co_name}:{event}")
    return tracer


async def inner(future, turn):
    try:
        await future
    except (asyncio.CancelledError, OSError) as error:
        if turn % 4 < 2:
            checkpoint()
        return type(error).__name__


async def middle(future, turn):
    return await inner(future, turn)


async def outer(future, turn):
    name = await middle(future, turn)
    await asyncio.sleep(0)
    return name


async def main(turn):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    task = loop.create_task(outer(future, turn))
    await asyncio.sleep(0)
    if turn % 2:
        future.set_exception(OSError("failed"))
    else:
        task.cancel()
    return await task


loop = asyncio.new_event_loop()
for turn in range(24 * ROUNDS):
    sys.settrace(tracer)
    name = loop.run_until_complete(main(turn))
    sys.settrace(None)
    print(turn, name, *told)
    told.clear()
loop.close()
