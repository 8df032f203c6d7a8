"""Names of what hosts VST3 and Audio Unit plugins, which luthier does not."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Any, ClassVar, NoReturn

from luthier.compat.pedalboard._knobs import incompatible
from luthier.compat.pedalboard._plugin import Plugin
from luthier.compat.pedalboard._quality import with_entries

__all__ = [
    "AudioProcessorParameter",
    "ExternalPlugin",
    "ExternalPluginReloadType",
    "VST3Plugin",
    "load_plugin",
]


@with_entries
class ExternalPluginReloadType(Enum):
    """What `ExternalPlugin.reset` does with a plugin."""

    Unknown = 0
    ClearsAudioOnReset = 1
    PersistsAudioOnReset = 2


class AudioProcessorParameter:
    """A parameter of an external plugin; there are none."""

    def __init__(self, plugin: ExternalPlugin, parameter_name: str, *args: Any, **kwargs: Any) -> None:
        del plugin, args, kwargs
        raise RuntimeError(f"There is no parameter {parameter_name!r}: luthier hosts no external plugins.")


class ExternalPlugin(Plugin):
    """Base of plugins from outside; not for use by itself."""

    _abstract = True


class VST3Plugin(ExternalPlugin):
    """The name of what hosts VST3 plugins: making one is an error.

    Raises
    ------
    ImportError
        Always.
    """

    #: Paths of the plugins that are installed: luthier sees none.
    installed_plugins: ClassVar[list[str]] = []

    _what: ClassVar[str] = "VST3"

    def __init__(
        self,
        path_to_plugin_file: str,
        parameter_values: dict[str, Any] | None = None,
        plugin_name: str | None = None,
        initialization_timeout: float = 10.0,
    ) -> None:
        del parameter_values, plugin_name, initialization_timeout
        _missing(path_to_plugin_file, type(self).__name__, self._what)

    @staticmethod
    def get_plugin_names_for_file(filename: str) -> NoReturn:
        """Raise the error that says what is missing."""
        _missing(filename, "VST3Plugin", "VST3")


def _missing(path: Any, cls: str, what: str) -> NoReturn:
    if not isinstance(path, (str, os.PathLike)):
        raise incompatible("__init__", f"pedalboard_native.{cls}(path_to_plugin_file: str)", repr(path))
    if not os.path.exists(path):
        raise ImportError(f"Unable to load plugin {path}: plugin file not found.")
    raise ImportError(
        f"Unable to load plugin {path}: luthier does not host {what} plugins. Process the sound with it in "
        "pedalboard itself or in DawDreamer, and go on with the arrays here; much of what plugins do is "
        "among the effects of luthier.effects."
    )


#: The kinds of external plugins that `load_plugin` tries.
_AVAILABLE_PLUGIN_CLASSES: list[type[ExternalPlugin]] = [VST3Plugin]


class AudioUnitPlugin(VST3Plugin):
    """The name of what hosts Audio Units, on macOS: making one is an error."""

    _what: ClassVar[str] = "Audio Unit"


if sys.platform == "darwin":
    _AVAILABLE_PLUGIN_CLASSES.append(AudioUnitPlugin)


def load_plugin(
    path_to_plugin_file: str,
    parameter_values: dict[str, Any] | None = None,
    plugin_name: str | None = None,
    initialization_timeout: float = 10.0,
) -> NoReturn:
    """Raise the error that says what is missing: luthier hosts no external plugins.

    Raises
    ------
    ImportError
        Always.
    """
    errors = []
    for cls in _AVAILABLE_PLUGIN_CLASSES:
        try:
            cls(path_to_plugin_file, parameter_values, plugin_name, initialization_timeout)
        except ImportError as error:
            errors.append(f"\t{cls.__name__}: {error}")
    names = ", ".join(cls.__name__ for cls in _AVAILABLE_PLUGIN_CLASSES)
    raise ImportError(f"Failed to load plugin as {names}. Errors were:\n" + "\n".join(errors))
