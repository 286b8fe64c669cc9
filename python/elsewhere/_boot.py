"""Start of a program under `elsewhere run` and `elsewhere resume`.

The command executes this file with the target interpreter, which need not have elsewhere
installed. It makes the interpreter look as `python SCRIPT ARGUMENTS` would, takes the signals
that suspend, and hands over to the native engine, under which this file's frame is out of sight.
"""


def _read_instructions():
    import _json
    import os

    class Decoder:  # what _json.make_scanner asks for; importing json would cost more than all else
        strict = True
        object_hook = object_pairs_hook = array_hook = parse_constant = None
        parse_float = float
        parse_int = int
        memo = {}

    told, _ = _json.make_scanner(Decoder)(os.environ.pop("ELSEWHERE_RUN"), 0)
    if told["original_hash_seed"] is None:
        os.environ.pop("PYTHONHASHSEED", None)
    else:
        os.environ["PYTHONHASHSEED"] = told["original_hash_seed"]
    return told


def _import_elsewhere(arrival):
    """`import elsewhere` without a word in sys.path."""
    import sys

    # As importlib.util has them, which costs milliseconds to import.
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import ExtensionFileLoader, spec_from_file_location

    here = __file__.rpartition("/")[0]
    if "package" in arrival:
        from _frozen_importlib import spec_from_loader
        from zipimport import zipimporter

        spec = spec_from_loader("elsewhere", zipimporter(arrival["package"]))
    else:
        spec = spec_from_file_location(
            "elsewhere", here + "/__init__.py", submodule_search_locations=[here]
        )
    package = module_from_spec(spec)
    sys.modules["elsewhere"] = package
    if "engine" in arrival:
        name = "elsewhere._elsewhere"
        loader = ExtensionFileLoader(name, arrival["engine"])
        spec_of_engine = spec_from_file_location(name, arrival["engine"], loader=loader)
        engine = sys.modules[name] = module_from_spec(spec_of_engine)
        loader.exec_module(engine)
        engine.__file__ = here + "/_elsewhere.so"  # it belongs to the package, and is kept by name
        package._elsewhere = engine
    if hasattr(spec.loader, "exec_module"):
        spec.loader.exec_module(package)
    else:  # a zip file, before 3.10
        exec(spec.loader.get_code("elsewhere"), vars(package))


def _main():
    import sys

    told = _read_instructions()
    try:
        _import_elsewhere(told.get("arrival") or {})
        from elsewhere._starting import main
    except ImportError as error:
        if error.name != "elsewhere._elsewhere":
            raise
        print(f"error: there is no engine for {sys.executable}: {error}", file=sys.stderr)
        print("hint: use another interpreter with --python", file=sys.stderr)
        sys.exit(78)
    main(told)


_main()
