"""asyncio's own private variables: which loop is set, what a loop over a library's WeakSet is at."""
import asyncio
import sys
import threading
import warnings

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
warnings.simplefilter("ignore")  # of policies, from Python 3.12 on


def looked_up():
    """What there is once no loop is set any more."""
    try:
        return asyncio.get_event_loop_policy().get_event_loop() and "another loop"
    except RuntimeError as error:
        return str(error).partition(" in thread")[0]


async def waits(started, event):
    started.append(event)
    await event.wait()
    return len(started)


async def main(turn):
    event, started = asyncio.Event(), []
    tasks = [asyncio.ensure_future(waits(started, event)) for _ in range(turn + 2)]
    while len(started) < len(tasks):
        await asyncio.sleep(0)
        checkpoint()
    names = []
    for thread in threading._dangling:  # a library's WeakSet, as asyncio has one of tasks
        checkpoint()
        names.append(thread.name)
    found = asyncio.all_tasks()
    print(turn, len(found), set(tasks) < found, names)
    event.set()
    return await asyncio.gather(*tasks)


for turn in range(3 * ROUNDS):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    policy = asyncio.get_event_loop_policy()
    checkpoint()
    print(asyncio.get_event_loop_policy() is policy, policy.get_event_loop() is loop)
    print(loop.run_until_complete(main(turn)))
    asyncio.set_event_loop(None)
    loop.close()
    checkpoint()
    attempt()
    print(looked_up())
