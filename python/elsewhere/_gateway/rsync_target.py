"""The far end of an RSync: runs there, in any Python, from this file's text.

What comes: `(folder, options)`; the source's tree; for each file that was asked for, in that order,
its content in pieces with None behind the last, or only None (keep what you have). What goes:
`("list", [(path, checksum or None), ...])`, `("ack", path)` for each file, `("done", None)`.

A tree: `("d", mode, [(name, tree), ...])`, `("f", mode, mtime, size)`, `("l", inside, target)`:
a symbolic link, `inside`: its target is relative to the folder. Paths are lists of names.
"""

import hashlib
import os
import shutil
import stat


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            piece = file.read(1 << 20)
            if not piece:
                return digest.digest()
            digest.update(piece)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def private(path):
    """A new file that is ours alone until it has its mode, whatever somebody has put there."""
    remove(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


class Target(object):
    def __init__(self, channel, folder, options):
        self.channel, self.folder = channel, folder
        self.delete = options.get("delete")
        self.wanted, self.modes = [], []

    def place(self, names):
        return os.path.join(self.folder, *names)

    def visit(self, names, tree):
        path = self.place(names) if names else self.folder
        try:
            now = os.lstat(path)
        except OSError:
            now = None
        if tree[0] == "d":
            self.visit_folder(names, path, now, tree)
        elif tree[0] == "l":
            target = os.path.join(self.folder, tree[2]) if tree[1] else tree[2]
            remove(path)
            os.symlink(target, path)
        else:
            self.visit_file(names, path, now, tree)

    def visit_folder(self, names, path, now, tree):
        linked = not names and os.path.isdir(path)  # the folder itself may be reached by a link
        if now is not None and not stat.S_ISDIR(now.st_mode) and not linked:
            os.unlink(path)
            now = None
        if now is None:
            os.makedirs(path)
        os.chmod(path, stat.S_IMODE(tree[1]) | 0o700)  # ours to write into
        kept = set()
        for name, inner in tree[2]:
            kept.add(name)
            self.visit(names + [name], inner)
        if self.delete:
            for name in os.listdir(path):
                if name not in kept:
                    remove(os.path.join(path, name))

    def visit_file(self, names, path, now, tree):
        _, mode, mtime, size = tree
        known = None
        if now is not None and stat.S_ISREG(now.st_mode):
            if now.st_size == size:
                if abs(now.st_mtime - mtime) < 1e-5:  # as exact as every Python sets it
                    os.chmod(path, stat.S_IMODE(mode))
                    return
                known = checksum(path)
        else:
            remove(path)
        self.wanted.append((names, known))
        self.modes.append((mode, mtime))

    def receive_file(self, names, mode, mtime):
        path = self.place(names)
        piece = self.channel.receive()
        if piece is not None:
            # Beside it first: who reads the file sees the old or the new one.
            beside = "%s.%d.part" % (path, os.getpid())
            try:
                with os.fdopen(private(beside), "wb") as file:
                    while piece is not None:
                        file.write(piece)
                        piece = self.channel.receive()
                os.rename(beside, path)
            except BaseException:
                remove(beside)
                raise
        if os.path.exists(path):
            os.chmod(path, stat.S_IMODE(mode))
            os.utime(path, (mtime, mtime))
        self.channel.send(("ack", names))

    def run(self):
        self.visit([], self.channel.receive())
        self.channel.send(("list", self.wanted))
        for (names, _), (mode, mtime) in zip(self.wanted, self.modes):
            self.receive_file(names, mode, mtime)
        self.channel.send(("done", None))


if __name__ == "__channelexec__":
    folder, options = channel.receive()  # noqa: F821
    Target(channel, folder, options).run()  # noqa: F821
