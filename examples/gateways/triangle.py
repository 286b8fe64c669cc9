"""A triangle: a gateway starts a socket server in its process, another one connects to that.

    this program <---pipes---> proxy
          ^                      | starts a server: TLS, a token, for this one caller
          +------socket--------> far

usage: triangle.py [SPEC OF THE PROXY]
"""

import sys

import elsewhere

way = sys.argv[1] if sys.argv[1:] else "popen"
proxy = elsewhere.makegateway(f"{way}//id=proxy")
far = elsewhere.makegateway("socket//installvia=proxy//id=far")
channel = far.remote_exec("for item in channel: channel.send(item * 2)")
for item in (21, "to and fro "):
    channel.send(item)
    print(channel.receive())
assert far.call(abs, -1) == 1
elsewhere.default_group.terminate(5)
