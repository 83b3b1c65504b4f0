"""A real Python distribution for a test: a module, its metadata and its entry points in a folder on ``sys.path``."""

import sys
from contextlib import contextmanager
from pathlib import Path


def write(folder, name, version="1.0", module="", entry_points=None):
    """Lays a distribution out as pip would; ``entry_points`` maps groups to {name: "module:attribute"}."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(module)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    sections = [
        "\n".join([f"[{group}]", *(f"{key} = {value}" for key, value in points.items())])
        for group, points in (entry_points or {}).items()
    ]
    (info / "entry_points.txt").write_text("\n".join(sections) + "\n")
    return folder


@contextmanager
def installed(folder):
    """The folder's distributions, importable; afterwards their modules are forgotten."""
    before = set(sys.modules)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
