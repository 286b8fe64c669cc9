"""Read files of another machine: the code that serves them goes there and nothing is installed.

usage: file_server.py SPEC FILE…        file_server.py ssh=me@host /etc/hostname /etc/motd
"""

import sys

import elsewhere

SERVER = """
for name in channel:
    try:
        with open(name, "rb") as file:
            channel.send(file.read())
    except EnvironmentError as error:
        channel.send(None)
"""

spec, *names = sys.argv[1:]
gateway = elsewhere.makegateway(spec)
files = gateway.remote_exec(SERVER)
for name in names:
    files.send(name)  # it reads while we still ask
for name in names:
    content = files.receive()
    print(name, "is not there" if content is None else f"has {len(content)} bytes")
gateway.exit()
