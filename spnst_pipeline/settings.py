"""Settings: one object, read by the command line and by Dagster.

They come from the file ``spnst.yaml``, from the environment and from flags; the later wins.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from spnst_core.errors import InputError, closest

CONFIG = "SPNST_CONFIG"
"""Environment variable that names the settings file; without it, ``spnst.yaml`` in the working folder, if there."""


class Settings(BaseSettings):
    """What to make of what, and where. Every field can be set as ``SPNST_<FIELD>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="SPNST_", env_ignore_empty=True, extra="forbid", frozen=True)

    content: str | None = Field(None, description="folder of photographs")
    style: str | None = Field(None, description="folder of paintings")
    out: str = Field("out", description="the store: a folder for everything made")
    recipes: Annotated[tuple[str, ...], NoDecode] = Field(
        ("structure",), min_length=1, description="built-in names or YAML files; comma-separated in the environment"
    )
    profile: str = Field("pretrained", description="which networks")
    size: int | None = Field(None, ge=32, description="long side of a pastiche in pixels; None: each recipe's own")
    device: str = Field("auto", description="auto, cpu, cuda or mps")

    @field_validator("recipes", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

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
            raise InputError("; ".join(map(_problem, error.errors()))) from error

    def to_yaml(self, folder: Path) -> str:
        """The text of a settings file in ``folder``; what lies inside ``out`` is written relative to it."""
        out = Path(self.out).resolve()

        def portable(location: str) -> str:
            path = Path(location).resolve()
            return os.path.relpath(path, folder.resolve()) if path.is_relative_to(out) else str(path)

        data = self.model_dump(mode="json", exclude_none=True)
        return yaml.safe_dump(_with_paths(data, portable), sort_keys=False)


def _with_paths(data: dict[str, Any], change: Any) -> dict[str, Any]:
    """The settings with every path changed; a recipe is a path when it ends in ``.yaml``."""
    return {
        name: change(value)
        if name in ("content", "style", "out") and isinstance(value, str)
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
    try:
        data = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"settings {file} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise InputError(f"settings {file} must be a mapping of {', '.join(Settings.model_fields)}")
    for key in data:
        if key not in Settings.model_fields:
            raise InputError(f"settings {file}: unknown key {key}{closest(str(key), Settings.model_fields)}")
    return _with_paths(data, lambda path: path if "://" in path else str(file.parent / Path(path).expanduser()))


def _problem(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"setting {where}: {error['msg']}, not {error['input']!r}"
