"""The far end of gateway.call(): runs there, in any Python, from this file's text.

What comes: pickled `(function, args, kwargs)`. What goes: `(True, pickled result)`, or `(False,
pickled exception or None, text of its traceback)`; with `values`, the result as it is, and None.

The functions of this module are what pickles of functions and classes by value call
(by_value.py): both ends know it as `_elsewhere_call`.
"""

import importlib
import marshal
import pickle
import sys
import traceback
import types

NAME = "_elsewhere_call"


def namespace(name):
    """The globals that all code of a module shares: the module's own, where it is there."""
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(str(name))
    return sys.modules[name].__dict__


def function_of_code(code, module, name, cells):
    closure = tuple(cells) if cells is not None else None
    return types.FunctionType(marshal.loads(code), namespace(module), str(name), None, closure)


def function_of_source(source, module, name):
    """For a Python with other bytecode."""
    made = {}
    exec(compile(source, "<%s>" % module, "exec", 0, True), namespace(module), made)
    return made[name]


def fill_function(function, state):
    defaults, keywords, names, cells = state
    function.__defaults__ = defaults
    if keywords:
        function.__kwdefaults__ = keywords
    function.__globals__.update(names)
    for cell, content in zip(function.__closure__ or (), cells or ()):
        cell.cell_contents = content[0]


def empty_cell():
    return types.CellType()


def make_class(meta, name, bases, module):
    made = meta(str(name), bases, {"__module__": module})
    namespace(module)[name] = made
    return made


def fill_class(made, attributes):
    for name, value in attributes.items():
        setattr(made, name, value)


def module_of(name):
    return importlib.import_module(name)


def call_each(function, items):
    return [function(*item) for item in items]


for thing in list(globals().values()):
    if isinstance(thing, types.FunctionType) and thing.__module__ == __name__:
        thing.__module__ = NAME


def failure(error, values):
    text = traceback.format_exc()
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not values:
        try:
            data = pickle.dumps(error, 2)
            pickle.loads(data)
            return False, data, text
        except Exception:
            pass  # not every exception can be sent
    return False, None, text


def serve(channel, values, path):
    sys.modules[NAME] = types.ModuleType(NAME)
    sys.modules[NAME].__dict__.update(globals())
    for folder in path:
        if folder not in sys.path:
            sys.path.append(folder)
    protocol = min(pickle.HIGHEST_PROTOCOL, 5)
    for payload in channel:
        try:
            function, args, kwargs = pickle.loads(payload)
            result = function(*args, **kwargs)
            answer = (True, result if values else pickle.dumps(result, protocol))
        except BaseException as error:
            answer = failure(error, values)
        try:
            channel.send(answer)
        except EnvironmentError:
            return
        except Exception as error:  # with `values`, what is no value
            channel.send(failure(error, True))
        payload = function = args = kwargs = result = answer = None


if __name__ == "__channelexec__":
    serve(channel, *channel.receive())  # noqa: F821
