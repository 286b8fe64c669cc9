"""asyncio.run on the stack: C tasks and futures, gather, task groups, queues, timeouts, contexts."""
import asyncio
import contextlib
import contextvars
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
who = contextvars.ContextVar("who", default="nobody")
log = []


async def worker(name, queue, results):
    who.set(name)
    while True:
        item = await queue.get()
        checkpoint()
        await asyncio.sleep(0)
        results.append((who.get(), item))
        queue.task_done()


async def squares(n):
    try:
        for i in range(n):
            await asyncio.sleep(0)
            checkpoint()
            yield i * i
    finally:
        await asyncio.sleep(0)
        log.append("squares closed")


@contextlib.asynccontextmanager
async def aclosing(generator):  # contextlib has it from Python 3.10
    try:
        yield generator
    finally:
        await generator.aclose()


class Session:
    async def __aenter__(self):
        await asyncio.sleep(0)
        checkpoint()
        return self

    async def __aexit__(self, *details):
        checkpoint()
        await asyncio.sleep(0)
        log.append(details[0] and details[0].__name__)
        return True


async def fails(text):
    await asyncio.sleep(0)
    checkpoint()
    raise ValueError(text)


async def cancelled(lock):
    async with lock:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as error:
            checkpoint()
            log.append(("cancelled", error.args))
            raise


async def produce(queue, n):
    for i in range(n):
        await queue.put(i)
    await queue.join()


async def main(turn):
    queue, results = asyncio.Queue(2), []
    workers = [asyncio.create_task(worker(f"w{i}", queue, results)) for i in range(3)]
    await produce(queue, 6)
    for each in workers:
        each.cancel("enough")
    ends = await asyncio.gather(*workers, return_exceptions=True)
    print(turn, len(results), sorted(item for _, item in results), [type(e).__name__ for e in ends])
    # Closed by name: an async generator in a cycle is closed whenever the collector finds it.
    async with Session(), aclosing(squares(9)) as found:
        total = 0
        async for each in found:
            total += each
            if each == 49:
                raise LookupError(str(total))
    print([x async for x in squares(3)], log[-3:])
    lock, event = asyncio.Lock(), asyncio.Event()
    task = asyncio.create_task(cancelled(lock), name="to be cancelled")
    await asyncio.sleep(0)
    checkpoint()
    print(lock.locked(), task.done(), task.get_name(), len(asyncio.all_tasks()))
    task.cancel("stop")
    task.add_done_callback(lambda _: checkpoint())  # nobody has been told of its end yet
    try:
        await task
    except asyncio.CancelledError as error:
        print("main saw", error.args, task.cancelled())
    asyncio.get_running_loop().call_later(0.001, event.set)
    await event.wait()
    checkpoint()
    try:
        await asyncio.wait_for(asyncio.sleep(3600), 0.001)
    except asyncio.TimeoutError:
        checkpoint()
        print("timeout")
    found = await asyncio.gather(fails("a"), fails("b"), asyncio.sleep(0, "c"), return_exceptions=True)
    print(found)
    done = asyncio.ensure_future(fails("kept"))
    done.add_done_callback(lambda _: checkpoint())
    await asyncio.wait([done])
    checkpoint()
    print(repr(done.exception()), who.get())
    if sys.version_info >= (3, 11):
        from groups import grouped

        await grouped(fails, checkpoint)
    unnamed = asyncio.create_task(asyncio.sleep(0))
    print(asyncio.current_task().get_name(), type(unnamed.get_name()))
    await unnamed


for turn in range(3 * ROUNDS):
    who.set(f"outer{turn}")
    asyncio.run(main(turn))
    checkpoint()
    print(who.get(), log[-2:])
    attempt()
