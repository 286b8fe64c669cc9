"""What takes longest is begun first: the engine that is offered with the boot is hashed in a thread
while the rest of this text is executed."""

import marshal

tools = {"__name__": "_elsewhere_files"}  # of an offer, as a program that moves here brings them


def bring_tools(offer):
    if len(tools) < 2:
        files = offer["files"]
        if isinstance(files, bytes):
            files = marshal.loads(files)
        else:
            files = compile(files, "<elsewhere files>", "exec", 0, True)
        exec(files, tools)


def look_ahead(early):
    """If an engine is offered ahead: what takes longest is begun."""
    try:
        offer = marshal.loads(early[16:])["engine"]
        bring_tools(offer)
        tools["begin"](offer["name"])
    except Exception:
        pass  # native.py sees to that


marker, early = globals().get("start", (b"", b"zygote"))  # of stage0.py
look_ahead(early)
