"""Settings: one object, read by the command line and by Dagster.

They come from the file ``spnst.yaml``, from the environment and from flags; the later wins.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml  # to write; reading is spnst_core.yaml_files'
from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from spnst_core.errors import InputError, closest, cut, quoted, several, without_passwords
from spnst_core.imaging.encoding import DEPTHS
from spnst_core.imaging.gamut import CHOICES
from spnst_core.recipes.recipe import MAX_SIZE
from spnst_core.yaml_files import read_yaml
from spnst_pipeline.storage.places import is_remote

CONFIG = "SPNST_CONFIG"
"""Environment variable that names the settings file; without it, ``spnst.yaml`` in the working folder, if there."""


TAG_KEY = re.compile(r"([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}")
"""Keys of tags that Dagster accepts."""


class Settings(BaseSettings):
    """What to make of what, and where. Every field can be set as ``SPNST_<FIELD>`` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="SPNST_", env_ignore_empty=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    content: str | None = None
    """The content images: a folder, a ``.zip`` or ``.tar`` archive, a ``.csv`` or ``.parquet`` table of paths and
    addresses, or ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``az://container/prefix``."""

    style: str | None = None
    """The style images, likewise."""

    subfolders: bool = False
    """Whether pictures in folders below those of contents and styles, at any depth, count as well."""

    out: str = "out"
    """The store for everything that is made: a folder, or ``s3://bucket/prefix``, ``gs://bucket/prefix`` or
    ``az://container/prefix``."""

    home: str | None = None
    """Folder of Dagster's own records; by default, see `dagster_home`."""

    recipes: Annotated[tuple[str, ...], NoDecode] = Field(("structure",), min_length=1)
    """Names of built-in recipes or paths of YAML files; separated by commas in the environment."""

    experiments: Annotated[tuple[str, ...], NoDecode] = ()
    """Experiments to offer beside the recipes; separated by commas in the environment."""

    profile: str = "vgg16"
    """The networks to use: ``vgg16``, ``pretrained`` or ``embedded``."""

    encoder: str | None = None
    """Name of an encoder to use in place of the profile's own."""

    edges: str | None = None
    """Name of an edge detector to use in place of the profile's own."""

    depth: str | None = None
    """Name of a depth network to use in place of the profile's own."""

    size: int | None = Field(None, ge=32, le=MAX_SIZE)
    """Long side of a pastiche in pixels, from 32 to 10,000; by default each recipe's own."""

    record_every: int | None = Field(None, ge=0, le=1_000_000)
    """Optimiser steps between two frames of a cell's film; 0 makes no films; by default each recipe's own."""

    gamut: str = "srgb"
    """Colour space of the pastiches' files: ``srgb``, ``display-p3``, ``adobe-rgb``, or ``content`` for that of each
    content's file. In another than ``srgb``, they have its ICC profile."""

    bits: int = 8
    """Bits of each channel of the pastiches' files: 8 or 16."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``mps``; ``auto`` takes the best device that is there."""

    precision: str = "auto"
    """Number format of the networks' multiplications: ``float32``, ``bfloat16``, or ``auto``, which is bfloat16 on
    devices that multiply it natively."""

    batch: int = Field(64, ge=1, le=100_000)
    """Largest number of cells in one Dagster run."""

    workers: int = Field(1, ge=1, le=10_000)
    """How many runs paint at once, on as many GPUs or machines. With more than one, the last runs are smaller, so that
    all workers finish at about the same time."""

    pool: str = "local"
    """Where cells are painted: ``local``, in the run's own process; ``ray``, by painters on a Ray cluster, which keep
    their networks from run to run."""

    ray_address: str = "auto"
    """The Ray cluster: ``auto`` is the one that runs on this machine, or that RAY_ADDRESS names; else ``HOST:PORT`` or
    ``ray://HOST:PORT``."""

    ray_painters: int = Field(1, ge=1, le=10_000)
    """How many painters there are on the Ray cluster."""

    ray_gpus: float = Field(0.0, ge=0, allow_inf_nan=False)
    """GPUs that each painter on Ray has; 0.5: two share one; 0: it paints on CPUs."""

    ray_cpus: float = Field(1.0, gt=0, allow_inf_nan=False)
    """CPUs that each painter on Ray has."""

    ray_batch: int = Field(8, ge=1, le=100_000)
    """Largest number of cells that a painter on Ray is sent at once, and that are lost with it."""

    ray_idle_seconds: float = Field(600.0, gt=0, allow_inf_nan=False)
    """Seconds without work after which a painter on Ray ends, and frees its GPU."""

    checkpoint_seconds: float = Field(60.0, ge=0, allow_inf_nan=False)
    """How often, in seconds, cells that are being painted are kept, so that a run that was stopped goes on from there;
    0: never."""

    cpu_run_tags: Annotated[dict[str, Any] | None, NoDecode] = None
    """Tags for the Dagster runs that use no networks, such as ``dagster-k8s/config`` for pods without a GPU; by
    default none. JSON in the environment."""

    failure_webhook: SecretStr | None = Field(None, exclude=True)
    """Address (``https://…``) that the sensor ``failed_runs`` tells of failed runs, as JSON; by default none. It is a
    secret: nothing shows it."""

    prometheus: str | None = None
    """Folder that node_exporter's textfile collector reads, for the figures of Dagster's runs; by default none. It
    needs the extra ``metrics``."""

    gallery_url: str | None = None
    """Address (``https://…``) at which a web server shows the gallery, for a link to it; by default the file's path."""

    painting_page: bool = False
    """Whether the gallery has a page on which visitors paint contents of their own, in the browser, with the project's
    painters. It needs the extra ``onnx``, and npm to fetch ONNX Runtime Web once."""

    @field_validator("recipes", "experiments", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("content", "style", "out", "home")
    @classmethod
    def _somewhere(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if not value.strip():
            raise ValueError("an empty name is no place: give a folder")
        if "\0" in value:
            raise ValueError("no name holds a NUL character: leave it out")
        if without_passwords(value) != value:  # it would show in Dagster's UI, and in files
            raise ValueError("credentials don't belong into an address: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
        _expanded(value)
        return value

    @field_validator("home")
    @classmethod
    def _local(cls, value: str | None) -> str | None:
        if value and is_remote(value):
            raise ValueError("Dagster's records need a folder of this machine")
        return value

    @field_validator("pool")
    @classmethod
    def _is_a_pool(cls, value: str) -> str:
        if value not in ("local", "ray"):
            raise ValueError("cells are painted local or by ray: choose one of them")
        return value

    @field_validator("gamut")
    @classmethod
    def _is_a_gamut(cls, value: str) -> str:
        if value not in CHOICES:
            raise ValueError(f"there is no such gamut{closest(value, CHOICES)}: there are {', '.join(CHOICES)}")
        return value

    @field_validator("bits")
    @classmethod
    def _are_bits(cls, value: int) -> int:
        if value not in DEPTHS[".png"]:
            raise ValueError("a channel of a PNG has 8 or 16 bits: choose one of them")
        return value

    @field_validator("cpu_run_tags", mode="before")
    @classmethod
    def _decoded(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise ValueError(f"a JSON object is needed ({error})") from error

    @field_validator("cpu_run_tags")
    @classmethod
    def _are_tags(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        for key, tag in (value or {}).items():
            if not TAG_KEY.fullmatch(key):
                raise ValueError(f"{quoted(key)} can't be a tag's key: letters, digits, . _ - and one / are allowed")
            if not isinstance(tag, (str, Mapping)):
                raise ValueError(f"the tag {key} needs a text or a mapping")
        return value

    @field_validator("failure_webhook")
    @classmethod
    def _can_be_posted_to(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("a webhook needs an address that begins with https:// or http://")
        return value

    @field_validator("gallery_url")
    @classmethod
    def _opens_in_a_browser(cls, value: str | None) -> str | None:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("a browser needs an address that begins with https:// or http://")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _from_file())

    @classmethod
    def load(cls, **flags: Any) -> Settings:
        """The settings in force; a flag that is None isn't given.

        Raises:
            InputError: a settings file that can't be read, a misspelt key, or a value that can't be used.
        """
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            raise InputError(several([_problem(each) for each in error.errors()])) from error

    @property
    def written(self) -> str:
        """How pastiches' files differ from 8-bit sRGB, as it counts in their fingerprints; empty if they don't."""
        return "" if (self.gamut, self.bits) == ("srgb", 8) else f"{self.gamut} {self.bits}"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME, the folder of Dagster's own records.

        It is ``home``, else ``OUT/.dagster``. Dagster needs files of its own, so for an OUT of ``s3://bucket/prefix``
        it is ``spnst/bucket/prefix`` where this user's programs keep their data: on Linux ``XDG_DATA_HOME``, else
        ``~/.local/share``. For one of ``gs://`` or ``az://`` it is ``spnst/gs/bucket/prefix``, so that buckets of one
        name stay apart; no bucket has a name as short as ``gs``.
        """
        if self.home:
            return Path(self.home).expanduser()
        if not is_remote(self.out):
            return Path(self.out).expanduser() / ".dagster"
        scheme, _, path = self.out.partition("://")
        return user_data_path("spnst").joinpath("" if scheme == "s3" else scheme, *path.strip("/").split("/"))

    def to_yaml(self, folder: Path) -> str:
        """The text of a settings file in ``folder``.

        Paths inside the store are written relative to the file, so that both can be moved together; the same goes for
        paths inside ``folder`` where that isn't in the store.
        """
        here = folder.resolve()
        out = here if is_remote(self.out) else Path(self.out).expanduser().resolve()
        unit = out if here.is_relative_to(out) else here

        def portable(location: str) -> str:
            path = Path(location).expanduser().resolve()
            return os.path.relpath(path, here) if path.is_relative_to(unit) else str(path)

        data = self.model_dump(mode="json", exclude_none=True)
        return yaml.safe_dump(_with_paths(data, portable), sort_keys=False)


def _with_paths(data: dict[str, Any], change: Any) -> dict[str, Any]:
    """The settings with every path changed: addresses aren't paths, and a recipe is one when it ends in ``.yaml``."""
    return {
        name: change(value)
        if name in ("content", "style", "out", "home", "prometheus") and isinstance(value, str) and not is_remote(value)
        else [change(r) if str(r).endswith((".yaml", ".yml")) else r for r in value]
        if name == "recipes" and isinstance(value, list)
        else value
        for name, value in data.items()
    }


def _from_file() -> dict[str, Any]:
    """The settings file's keys; its relative paths count from where it lies."""
    named = os.environ.get(CONFIG)
    file = Path(named or "spnst.yaml")
    if not named and not file.exists():
        return {}
    data = read_yaml(file, "settings")
    for key in data:
        if key not in Settings.model_fields:
            raise InputError(f"settings {file}: unknown key {cut(key)}{closest(key, Settings.model_fields)}")
    return _with_paths(data, lambda path: str(file.parent / _expanded(path)))


def _expanded(path: str) -> Path:
    """The path with its ``~``.

    Raises:
        InputError: it names a user whose folder isn't known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{cut(path)}: there is no such user; write the folder out") from error


def _problem(error: Any) -> str:
    where = cut(".".join(str(part) for part in error["loc"]))
    told = f"setting {where}: {error['msg'].removeprefix('Value error, ')}"
    field = Settings.model_fields.get(str(error["loc"][0])) if error["loc"] else None
    secret = field is not None and field.exclude
    return told if secret else f"{told}, not {quoted(error['input'])}"
