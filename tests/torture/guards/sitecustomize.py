"""Found by every interpreter of a guarded run (`--safety`): the collector runs at every chance."""

import gc

gc.set_threshold(1)
