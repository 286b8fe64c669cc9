"""Addresses and networks: what their own way to be pickled leaves out, and such as are being made."""
import ipaddress
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Number(int):
    """Asked for by the address while it is made."""

    def __lt__(self, other):
        checkpoint()
        return super().__lt__(other)


class Host(ipaddress.IPv4Address):
    """With an attribute."""

    def __init__(self, name, address):
        super().__init__(address)
        self.name = name


for turn in range(2 * ROUNDS):
    scoped = ipaddress.ip_address("fe80::1%eth0")
    plain = ipaddress.ip_address("fe80::1")
    network = ipaddress.ip_network("192.168.0.0/24")
    first, last = network[1], network.broadcast_address  # which it remembers
    interface = ipaddress.ip_interface(f"10.0.{turn}.7/24")
    six = ipaddress.ip_interface("2001:db8::1/32")
    host = Host("a", "10.0.0.1")
    counted = ipaddress.IPv4Address(Number(turn + 9))
    checkpoint()
    print(scoped, scoped == plain, scoped.scope_id, {scoped: 1}.get(scoped), plain.scope_id)
    print(first, last, network, network.hostmask, first in network, last in network)
    print(interface, interface.network, interface.ip, six, six.network, hash(six) == hash(six))
    print(host, host.name, type(host) is Host, counted, host < last)
