"""What a gateway's interpreter is asked, to say which other Pythons there are."""

LIST_PYTHONS = r"""
import glob, os, subprocess
found = {}
places = os.environ.get("PATH", "").split(":") + ["/usr/bin", "/usr/local/bin", "/opt/*/bin"]
places += ["~/.pyenv/versions/*/bin", "~/*conda*/bin", "~/*conda*/envs/*/bin"]
for place in places:
    for path in glob.glob(os.path.expanduser(place) + "/python3.[0-9]*"):
        if path.rpartition(".")[2].isdigit() and "/shims/" not in path:
            found.setdefault(os.path.realpath(path), path)
versions = []
for path in found.values():
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        out = subprocess.Popen([path, "-c", code], stdout=-1, stderr=-1).communicate()[0]
        versions.append(out.decode().strip() + " " + path)
    except Exception:
        continue
channel.send(sorted(v for v in versions if not v.startswith(" ")))
"""
