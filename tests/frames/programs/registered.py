"""What modules of the library are told by a call, and remember in C or in private variables."""
import calendar
import copyreg
import csv
import gettext
import io
import mimetypes
import pickle
import shutil
import socket
import sys
import xml.etree.ElementTree as ElementTree

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Own(csv.excel):
    delimiter = ";"


class Point:
    def __init__(self, x):
        self.x = x


def archive(base, root, **options):
    return f"{base.rpartition('/')[2]} of {root}"


def unpack(name, target):
    print("unpacks", name, target)


def show():
    row = next(csv.reader(["a;b,c"], "own"))
    try:
        next(csv.reader(["x" * 50]))
    except csv.Error as error:
        row.append(str(error))
    element = ElementTree.Element("{urn:own}name")
    print(row, csv.field_size_limit(), csv.list_dialects(), ElementTree.tostring(element))
    print(mimetypes.guess_type("a.xyzzy"), mimetypes.guess_extension("x/own"))
    print(calendar.firstweekday())
    print(gettext.textdomain(), gettext.bindtextdomain("own"), socket.getdefaulttimeout())
    size = len(pickle.dumps(Point(1), 2))
    print(pickle.loads(pickle.dumps(Point(turn), 2)).x, size)
    formats = dict(shutil.get_archive_formats())
    print(shutil.make_archive("base", "own", "."), formats["own"])
    shutil.unpack_archive("some.own", "there")


for turn in range(ROUNDS):
    csv.register_dialect("own", Own)
    csv.field_size_limit(40 + turn)
    copyreg.add_extension("__main__", "Point", 0x77)
    checkpoint()
    ElementTree.register_namespace("own", "urn:own")
    mimetypes.add_type("x/own", ".xyzzy")
    calendar.setfirstweekday(3)
    checkpoint()
    gettext.textdomain("own")
    gettext.bindtextdomain("own", "/nowhere")
    socket.setdefaulttimeout(7 + turn)
    shutil.register_archive_format("own", archive, [], "ours")
    shutil.register_unpack_format("own", [".own"], unpack)
    checkpoint()
    show()
    csv.unregister_dialect("own")
    copyreg.remove_extension("__main__", "Point", 0x77)
    shutil.unregister_archive_format("own")
    shutil.unregister_unpack_format("own")
    checkpoint()
    print(csv.list_dialects(), len(pickle.dumps(Point(1), 2)))
