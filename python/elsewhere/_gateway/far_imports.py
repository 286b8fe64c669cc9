"""Runs in a worker of any Python: modules that it lacks come from the controller (spec/imports.md).

A top-level package comes whole, as an archive: what is in it is found, read and shown in tracebacks
by Python's own import from zip files, without another question.
"""

import os
import sys
import threading

PY2 = sys.version_info[0] == 2


def install(channel, place, library):
    """The last of those who are asked for a module."""
    import select

    # Python holds a lock while it asks us: nothing that the answer needs may wait for an import.
    worker = sys.modules.get("_elsewhere_worker")
    if worker is not None:
        worker.select = select
    finder = Finder(channel, place, library)
    if (3,) < sys.version_info < (3, 10):
        sys.path_hooks.insert(0, importers(finder))
    sys.meta_path.append(finder)
    channel.send((0, "ready", ""))


class Finder(object):
    elsewhere = True

    def __init__(self, channel, place, library):
        self.channel = channel
        self.place = place
        self.library = frozenset(getattr(sys, "stdlib_module_names", library))
        self.process = os.getpid()
        self.lock = threading.RLock()  # a signal handler may import, too
        self.asked = 0
        self.answers = {}
        self.lent = {}  # top-level name: Lent, or None
        self.keeping = {}  # what keeps archives

    # --- what Python calls -------------------------------------------------------------------

    def find_spec(self, name, path=None, target=None):
        place = self.place_of(name, path)
        if place is not None:
            from importlib.machinery import PathFinder

            return PathFinder.find_spec(name, [place], target)

    def find_module(self, name, path=None):
        """Python 2, which asks us before it looks into sys.path."""
        import imp
        import zipimport

        try:
            found = imp.find_module(name.rpartition(".")[2], path)
            if found[0]:
                found[0].close()
            return None
        except ImportError:
            pass
        try:
            place = self.place_of(name, path)
        except ImportError:  # which Python 2 takes for "no such module"
            return Refused(sys.exc_info()[1])
        return zipimport.zipimporter(place).find_module(name) if place is not None else None

    def invalidate_caches(self):
        """What the controller did not have, it may have now."""
        for name in [name for name, lent in list(self.lent.items()) if lent is None]:
            self.lent.pop(name, None)

    def find_distributions(self, context=None):
        """importlib.metadata: of what has come."""
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        paths = [lent.path for lent in list(self.lent.values()) if lent and lent.path]
        given = {} if context is None else {"name": context.name}
        return MetadataPathFinder.find_distributions(
            DistributionFinder.Context(path=paths, **given)
        )

    # --- what is asked for -------------------------------------------------------------------

    def place_of(self, name, path):
        """Where in an archive a module is to be looked for; None: nowhere."""
        top, _, rest = name.partition(".")
        parent = sys.modules.get(name.rpartition(".")[0]) if rest else None
        # A package is whole from one place, but for the parts of a namespace.
        if parent is not None and getattr(parent, "__file__", None) is not None:
            lent = self.lent.get(top)
            if lent is not None and name in lent.extensions:
                raise self.refused(name)
            return None
        lent = self.find(top)
        if lent is None or (rest and not lent.is_namespace):
            return None
        if name in lent.extensions:
            raise self.refused(name)
        if not lent.path:
            return None
        folder = name.rpartition(".")[0].replace(".", "/")
        return lent.path + ("/" + folder if folder else "")

    def refused(self, name):
        text = (
            "%s is a C extension, and %s has none; the controller sends only modules in Python "
            "(hint: install %s there, for example: %s -m pip install %s)"
        ) % (name, self.place, name.split(".")[0], sys.executable, name.split(".")[0])
        if PY2:
            return ImportError(text)
        return ImportError(text, name=name)

    def find(self, top):
        if top in self.library or os.getpid() != self.process:
            return self.lent.get(top)
        if top not in self.lent:
            with self.lock:
                if top not in self.lent:
                    try:
                        self.lent[top] = self.borrow(top)
                    except EOFError:  # it is gone
                        return None
                    except Exception:
                        error = sys.exc_info()[1]
                        raise ImportError(
                            "the controller has %s, but it cannot be kept here: %s" % (top, error)
                        )
        return self.lent[top]

    def borrow(self, top):
        answer = self.ask("find", top)
        if answer is None:
            return None
        extensions, is_namespace, name, content = answer
        return Lent(self.archive(name, content) if name else "", extensions, is_namespace)

    def archive(self, name, content):
        if not self.keeping:
            source = self.ask("keep", "")
            if source is None:
                self.keeping["keep"] = keep_for_now
            else:
                import marshal

                code = marshal.loads(source) if type(source) is bytes else source
                if type(source) is not bytes:
                    code = compile(code, "<elsewhere files>", "exec", 0, True)
                exec(code, self.keeping)
        open_cached = self.keeping.get("open_cached")
        descriptor = open_cached(name) if open_cached else None
        if descriptor is None:
            import zlib

            if content is None:
                content = self.ask("get", name)
            descriptor = self.keeping["keep"](name, zlib.decompress(content))
        return descriptor if isinstance(descriptor, str) else path_of(descriptor)

    def ask(self, what, name):
        """The controller's answer. Raises EOFError: it is gone."""
        self.asked += 1
        number = self.asked
        try:
            self.channel.send((number, what, name))
            while number not in self.answers:
                came, answer = self.channel.receive()
                self.answers[came] = answer
        except (EOFError, IOError, self.channel.RemoteError):
            raise EOFError("the controller is gone")
        return self.answers.pop(number)


def importers(finder):
    """A hook of sys.path_hooks for our archives, before 3.10: zipimport's own modules are seen by
    other threads before they are whole there, as they have no spec until then."""
    import zipimport
    from importlib.machinery import ModuleSpec
    from importlib.util import spec_from_loader

    class Importer(zipimport.zipimporter):
        def __init__(self, path):
            lent = [each.path for each in list(finder.lent.values()) if each and each.path]
            if not any(path == each or path.startswith(each + "/") for each in lent):
                raise ImportError("not of the controller: " + path)
            super(Importer, self).__init__(path)

        def find_spec(self, name, target=None):
            loader, portions = self.find_loader(name)
            if loader is not None:
                return spec_from_loader(name, loader)
            if portions:
                spec = ModuleSpec(name, None)
                spec.submodule_search_locations = portions
                return spec

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            exec(self.get_code(module.__name__), module.__dict__)

    return Importer


class Refused(object):
    def __init__(self, error):
        self.error = error

    def load_module(self, name):
        raise self.error


class Lent(object):
    def __init__(self, path, extensions, is_namespace):
        self.path = path  # of the archive; "" if there is none
        self.extensions = frozenset(extensions)
        self.is_namespace = is_namespace


def keep_for_now(name, content):
    """For Pythons without the tools to keep it: a file that nobody else finds."""
    import tempfile

    is_java = sys.platform.startswith("java")  # whose files have no number
    file = tempfile.NamedTemporaryFile() if is_java else tempfile.TemporaryFile()
    file.write(content)
    file.flush()
    KEPT.append(file)
    return file.name if is_java else file.fileno()


KEPT = []


def path_of(descriptor):
    """By which Python opens that file again."""
    own = "/proc/self/fd/%d" % descriptor
    if not os.path.exists(own):
        return "/dev/fd/%d" % descriptor
    path = os.readlink(own)
    if os.path.exists(path):
        os.close(descriptor)
        return path
    return own
