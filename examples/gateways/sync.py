"""Copy a folder to any number of machines at once; of files that are there, only what differs.

usage: sync.py FOLDER SPEC=DESTINATION…     sync.py src popen=/tmp/copy ssh=me@host=/srv/src
"""

import sys

import elsewhere

folder, *places = sys.argv[1:]
sent = 0


def progress(what, size, channel):
    global sent
    if what == "ack":
        sent += size


sync = elsewhere.RSync(folder, callback=progress, verbose=False)
for place in places:
    spec, _, destination = place.rpartition("=")
    sync.add_target(elsewhere.makegateway(spec), destination, delete=True)
sync.send()
print(f"{len(places)} places have all, {sent} bytes were looked at")
elsewhere.default_group.terminate(5)
