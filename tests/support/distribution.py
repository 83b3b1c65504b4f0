"""A real Python distribution for a test: a module or package, metadata and entry points in a folder on the path."""

import sys
from contextlib import contextmanager
from pathlib import Path


def write(folder, name, version="1.0", module="", entry_points=None):
    """Lays a distribution out as pip would.

    ``module`` is the text of a module, or those of a package's files by name; ``entry_points`` maps groups to
    {name: "module:attribute"}.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(module, str):
        (folder / f"{name}.py").write_text(module)
    else:
        (folder / name).mkdir()
        for file, text in module.items():
            (folder / name / file).write_text(text)
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
