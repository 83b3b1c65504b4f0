"""A package index on this machine that serves tiny wheels with tiny HDF5 files of weights, and pip set up to use it."""

import io
import os
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import h5py
import numpy as np

from spnst_core.models import manifest, wheels
from spnst_core.models.manifest import WheelMember

PROJECT, VERSION, MEMBER = "tiny-weights", "1.2.0", "tiny_weights/net.weights.h5"
FILE = "tiny_weights-1.2.0-py3-none-any.whl"
ARRAYS = {
    "block1/layers/conv2d/vars/0": np.arange(27, dtype=np.float32).reshape(3, 3, 3, 1),
    "block1/layers/conv2d/vars/1": np.float32([0.5]),
}


def hdf5(arrays=ARRAYS):
    """An HDF5 file with these arrays, as bytes that are the same on each call."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
    return buffer.getvalue()


def wheel(files):
    """A wheel with these files, which pip accepts, as bytes."""
    about = "tiny_weights-1.2.0.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        # a dependency that exists nowhere: fetching it would fail
        requires = "Requires-Dist: a-project-that-is-nowhere>=1"
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {PROJECT}\nVersion: {VERSION}\n{requires}\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in files))
    return buffer.getvalue()


def member(content):
    """The manifest's record of these bytes as the member of the wheel."""
    return WheelMember(PROJECT, VERSION, MEMBER, len(content), sha256(content).hexdigest())


def weight_file(content, folder):
    """The manifest's record of the weight file that is converted from these bytes; works in an empty folder."""
    source = member(content)
    origin = {"project": PROJECT, "version": VERSION, "member": MEMBER, "sha256": source.sha256, "licence": "MIT"}
    (folder / "net.h5").write_bytes(content)
    wheels.convert(folder / "net.h5", folder / "net.safetensors", origin)
    converted = (folder / "net.safetensors").read_bytes()
    return replace(
        manifest.entry("hed_vgg16"), source=source, bytes=len(converted), sha256=sha256(converted).hexdigest()
    )


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Silence."""


@contextmanager
def serving(folder):
    """A simple index (PEP 503) of the wheels in ``folder/<project>/``; gives its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def configure_pip(monkeypatch, **settings):
    """pip's settings, by their names in upper case, in place of all that it is configured with on this machine."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    quick = {"CONFIG_FILE": os.devnull, "NO_CACHE_DIR": "1", "RETRIES": "0", "TIMEOUT": "60"}
    for name, value in (quick | settings).items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
