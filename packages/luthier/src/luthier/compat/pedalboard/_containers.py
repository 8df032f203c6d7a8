"""Plugins that hold plugins: in series, in parallel, and the board."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.compat.pedalboard._fifo import Fifo
from luthier.compat.pedalboard._knobs import incompatible
from luthier.compat.pedalboard._plugin import Plugin
from luthier.compat.pedalboard._process import process_samples

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Chain", "Mix", "Pedalboard", "PluginContainer", "process"]

_SELF = "(self: pedalboard_native.PluginContainer, "


def _are_plugins(given: Any) -> bool:
    if (
        not hasattr(given, "__len__")
        or not hasattr(given, "__getitem__")
        or isinstance(given, (str, bytes, dict))
    ):
        return False
    return all(plugin is None or isinstance(plugin, Plugin) for plugin in given)


class _Together:
    """The locks of several plugins, taken in an order that is the same for all threads."""

    def __init__(self, parts: list[Plugin]) -> None:
        self._locks = [part._lock for part in sorted(parts, key=id)]

    def __enter__(self) -> None:
        taken = 0
        try:
            for lock in self._locks:
                lock.acquire()
                taken += 1
        except BaseException:
            self._release(taken)
            raise

    def __exit__(self, *error: object) -> None:
        self._release(len(self._locks))

    def _release(self, count: int) -> None:
        for lock in reversed(self._locks[:count]):
            lock.release()


class PluginContainer(Plugin):
    """A list of plugins, None standing for nothing; not for use by itself."""

    _abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        given = [*args, *kwargs.values()]
        if len(given) > 1 or not set(kwargs) <= {"plugins"} or not all(map(_are_plugins, given)):
            name = f"pedalboard_native.utils.{'Mix' if isinstance(self, Mix) else 'Chain'}"
            accepted = f"{name}(plugins: list[pedalboard_native.Plugin])\n    2. {name}()"
            raise incompatible("__init__", accepted, ", ".join(map(repr, given)))
        self.__dict__["_plugins"] = [plugin for plugins in given for plugin in plugins]

    if TYPE_CHECKING:
        _plugins: list[Plugin | None]

    # ---- a list ----

    def __len__(self) -> int:
        return len(self._plugins)

    def __iter__(self) -> Iterator[Plugin | None]:
        return iter(self._plugins)

    def __contains__(self, plugin: object) -> bool:
        self._check("__contains__", f"{_SELF}plugin: pedalboard_native.Plugin) -> bool", plugin)
        return any(plugin is other for other in self._plugins)

    def __getitem__(self, index: int) -> Any:
        accepted = f"{_SELF}index: int) -> pedalboard_native.Plugin"
        return self._plugins[self._place("__getitem__", accepted, index)]

    def __setitem__(self, index: int, plugin: Plugin | None) -> None:
        accepted = f"{_SELF}index: int, plugin: pedalboard_native.Plugin) -> None"
        self._check("__setitem__", accepted, index, plugin)
        with self._lock:
            self._plugins[self._place("__setitem__", accepted, index, plugin)] = plugin

    def __delitem__(self, index: int) -> None:
        with self._lock:
            del self._plugins[self._place("__delitem__", f"{_SELF}index: int) -> None", index)]

    def insert(self, index: int, plugin: Plugin | None) -> None:
        """Put a plugin before the place `index`."""
        accepted = f"{_SELF}index: int, plugin: pedalboard_native.Plugin) -> None"
        self._check("insert", accepted, index, plugin)
        with self._lock:
            self._plugins.insert(self._place("insert", accepted, index, plugin, end=True), plugin)

    def append(self, plugin: Plugin | None) -> None:
        """Put a plugin at the end."""
        self._check("append", f"{_SELF}plugin: pedalboard_native.Plugin) -> None", plugin)
        with self._lock:
            self._plugins.append(plugin)

    def remove(self, plugin: Plugin | None) -> None:
        """Take a plugin out."""
        self._check("remove", f"{_SELF}plugin: pedalboard_native.Plugin) -> None", plugin)
        with self._lock:
            for place, other in enumerate(self._plugins):
                if other is plugin:
                    del self._plugins[place]
                    return
        raise ValueError("remove(x): x not in list")

    def _place(self, function: str, accepted: str, index: Any, *others: Any, end: bool = False) -> int:
        if not hasattr(index, "__index__"):
            raise incompatible(function, accepted, ", ".join(map(repr, (self, index, *others))))
        place = int(index.__index__())
        if place < 0:
            place += len(self._plugins)
        if not 0 <= place < len(self._plugins) + end:
            raise IndexError("index out of range")
        return place

    def _check(self, function: str, accepted: str, *given: Any) -> None:
        """Raise an error when the last of the arguments is no plugin."""
        if given[-1] is not None and not isinstance(given[-1], Plugin):
            raise incompatible(function, accepted, ", ".join(map(repr, (self, *given))))

    def _label(self) -> str:
        count = len(self._plugins)
        return f"with {count} plugin{'' if count == 1 else 's'}: {self._plugins!r}"

    def __repr__(self) -> str:
        return f"<pedalboard.{type(self).__name__} {self._label()} at {hex(id(self))}>"

    # ---- sound ----

    def _inside(self) -> list[Plugin]:
        return [plugin for plugin in self._plugins if plugin is not None]

    def _parts(self) -> Iterator[Plugin]:
        yield self
        for plugin in self._inside():
            yield from plugin._parts()

    def _locked(self) -> contextlib.AbstractContextManager[Any]:
        """Hold this plugin and all in it for this thread."""
        parts = list(self._parts())
        if len(set(map(id, parts))) < len(parts):
            raise RuntimeError(
                "The same plugin instance is being used multiple times in the same chain of plugins, which "
                "would cause undefined results. Please ensure that no duplicate plugins are present before "
                "calling."
            )
        return _Together(parts)

    def _start(self, sample_rate: float, channels: int) -> None:
        for plugin in self._inside():
            plugin._start(sample_rate, channels)
        super()._start(sample_rate, channels)

    def _open(self, sample_rate: float, channels: int) -> None:
        """Nothing: the plugins inside have streams."""

    def _forget(self) -> None:
        for plugin in self._inside():
            plugin._forget()


class Chain(PluginContainer):
    """Plugins one after the other."""

    def _latency(self) -> int:
        return sum(plugin._latency() for plugin in self._inside())

    def _feed(self, block: Samples) -> Samples:
        for plugin in self._inside():
            block = plugin._feed(block)
        return block


class Mix(PluginContainer):
    """Plugins side by side: each gets the same sound, and what they give is added up, in time."""

    if TYPE_CHECKING:
        _waiting: dict[int, Fifo]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a branch gave before the slowest one did; by branch, for branches may come and go.
        self.__dict__["_waiting"] = {}

    def _latency(self) -> int:
        return max((plugin._latency() for plugin in self._inside()), default=0)

    def _open(self, sample_rate: float, channels: int) -> None:
        del sample_rate, channels
        self._waiting.clear()

    def _forget(self) -> None:
        super()._forget()
        self._waiting.clear()

    def _feed(self, block: Samples) -> Samples:
        branches = self._plugins
        channels = block.shape[0]
        for place, plugin in enumerate(branches):
            # Each None is a way of its own past the others.
            key = -place if plugin is None else id(plugin)
            wet = block if plugin is None else plugin._feed(block.copy())
            self._waiting.setdefault(key, Fifo(channels)).put(wet)
        keys = [-place if plugin is None else id(plugin) for place, plugin in enumerate(branches)]
        for gone in self._waiting.keys() - set(keys):
            del self._waiting[gone]
        ready = min((self._waiting[key].frames for key in keys), default=block.shape[1])
        total = block[:, :ready] if ready <= block.shape[1] else block
        total[...] = 0
        for key in keys:
            total += self._waiting[key].take(total.shape[1])
        return total


class Pedalboard(Chain):
    """The board: a `Chain` by the name that everyone knows.

    Parameters
    ----------
    plugins : list of Plugin, optional
    """

    def __init__(self, plugins: Sequence[Plugin | None] | PluginContainer | None = None) -> None:
        super().__init__([] if plugins is None else plugins)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._label()}>"


def process(
    input_array: Any,
    sample_rate: float,
    plugins: Sequence[Plugin | None] | PluginContainer,
    buffer_size: int = 8192,
    reset: bool = True,
) -> Samples:
    """Process a signal with a list of plugins; see `Plugin.process`."""
    if not _are_plugins(plugins) or not isinstance(input_array, np.ndarray):
        accepted = (
            "(input_array: numpy.ndarray, sample_rate: float, plugins: list[pedalboard_native.Plugin], "
            "buffer_size: int = 8192, reset: bool = True) -> numpy.ndarray[numpy.float32]"
        )
        raise incompatible("process", accepted, f"{input_array!r:.200}, {sample_rate!r}, {plugins!r}")
    return process_samples(Chain(plugins), "process", input_array, sample_rate, buffer_size, reset)
