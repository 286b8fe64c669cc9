"""See here, as it comes, what code there prints.

usage: remote_output.py [SPEC]
"""

import sys

import elsewhere


def redirect(channel):
    import sys

    sys.stdout = channel.makefile("w")
    channel.send("redirected")
    channel.receive()  # until the other side has seen enough


lines = []
gateway = elsewhere.makegateway(*sys.argv[1:])
output = gateway.remote_exec(redirect)
output.receive()  # what is executed next may run at the same time
output.setcallback(lines.append)  # in a thread of the gateway
work = gateway.remote_exec("print('hello from Python'); print(6 * 7)")
work.waitclose()
output.send(None)
output.waitclose()
print("there it was printed:", "".join(lines).split("\n"))
gateway.exit()
