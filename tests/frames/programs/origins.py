"""Where coroutines were created, as sys.set_coroutine_origin_tracking_depth asks for."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


async def work():
    pass


for turn in range(12 * ROUNDS):
    sys.set_coroutine_origin_tracking_depth(turn % 3)
    checkpoint()
    coroutine = work()
    checkpoint()
    print(turn, sys.get_coroutine_origin_tracking_depth(), [row[1:] for row in coroutine.cr_origin or ()])
    coroutine.close()
