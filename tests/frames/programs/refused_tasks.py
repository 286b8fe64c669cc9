"""A suspend that is refused takes no number from the tasks that asyncio names."""
import asyncio
import socket

from checkpoint import attempt, checkpoint


async def own_name():
    checkpoint()
    await asyncio.sleep(0)
    return asyncio.current_task().get_name()


async def main():
    print(await asyncio.create_task(own_name()))
    held = socket.socketpair()  # cannot be kept
    for _ in range(3):
        attempt()
        print(await asyncio.create_task(asyncio.sleep(0, "slept")))
    for one in held:
        one.close()
    del held, one
    checkpoint()
    print(await asyncio.create_task(own_name()))


asyncio.run(main())
