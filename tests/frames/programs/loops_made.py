"""Event loops that are made and closed again and again."""
import asyncio
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
total = 0
for n in range(20 * ROUNDS):
    loop = asyncio.new_event_loop()
    if n % 20 == 7:
        checkpoint()
    total += loop.run_until_complete(asyncio.sleep(0, n))
    loop.close()
    if n % 20 == 11:
        checkpoint()
print(total, loop)
