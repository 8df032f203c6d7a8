"""Effects are values: what every effect has, derived from its declared parameters."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError, StreamError
from luthier.core.arrays import Layout, borrow, borrow_out, check_channels, check_sample_rate
from luthier.effects.automation import Follower, Moving, PerItem, from_data
from luthier.effects.option import Field, Option, brief, same
from luthier.effects.option import _Declaration as _OptionDeclaration
from luthier.effects.option import from_data as array_from_data
from luthier.effects.option import to_data as array_to_data
from luthier.effects.parameter import Parameter, _Declaration, shown, unknown_name
from luthier.effects.rendering import Renderer, check_class

if TYPE_CHECKING:
    from luthier.effects import _native
    from luthier.effects.distributions import Sample
    from luthier.effects.stream import Stream

__all__ = ["Effect"]

#: Version of what `Effect.to_dict` writes. A later version reads every earlier one.
SCHEMA = 1

#: Chains and mixes within one another.
MAXIMUM_DEPTH = 64


class Plan(NamedTuple):
    """An effect as it is described to the native engine."""

    kind: str  # "effect", "python", "chain" or "mix"
    name: str = ""
    values: tuple[Any, ...] = ()
    tapers: tuple[str, ...] = ()
    options: tuple[float, ...] = ()
    data: npt.NDArray[np.float64] | None = None  # rows of numbers
    key: int = -1  # the number of the input that it listens to
    children: tuple[Plan, ...] = ()
    renderer: Callable[..., Renderer] | None = None  # of an effect that is written in Python


class Effect:
    """Base of all effects.

    An effect is a value: its parameters and nothing else. It can be compared, copied, pickled, written
    as JSON and shared by threads; sound passes through it in a call or in a stream, and neither changes
    it. A subclass declares its parameters with `param`, and everything else follows from them.

    The sound comes from native code, or from Python: a subclass that has a method
    ``render(self, block, values, state)`` is rendered with it, block by block. It gets the samples of a
    block, ``(channels, frames)``; `Values`, in which each parameter is an array ``(frames,)``; and what its
    method ``start(self, spec)`` made of a `Spec`, or None without one. It returns the samples that come out,
    of the same shape. All other hooks may be left out, and are numbers or methods of the spec:
    ``block_frames`` (1024), ``latency`` in frames beyond the block (0), ``tail`` in frames (0), ``gain``, the
    most that it amplifies (1), and ``causal`` (False), the promise that no sample depends on later ones,
    which does away with the delay of a block.

    Attributes
    ----------
    parameters : tuple of Parameter
        The declared parameters: numbers that may move while sound passes.
    options : tuple of Option
        What else was declared: modes, flags, arrays, settings that stay. The constructor takes both, in the
        order of their declaration.
    revision : int
        Raised when a release makes this effect give other numbers for the same parameters and input.
        Part of `fingerprint`.
    linear : bool
        Whether it is linear and stays as it is while its parameters rest, so that `response` can tell what it
        does to each frequency. A chain is what its effects are.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    _fields: ClassVar[tuple[Field, ...]] = ()
    revision: ClassVar[int] = 1
    linear: ClassVar[bool] = False

    # What the native engine makes of it: "effect", "chain" or "mix".
    _kind: ClassVar[str] = "effect"
    # Whether it is written in Python.
    _written: ClassVar[bool] = False
    # Whether a permutation of the channels in is that permutation of the channels out.
    _channels_alike: ClassVar[bool] = True
    _classes: ClassVar[dict[str, type[Effect]]] = {}
    # Where a stream's own copy reports an assignment to.
    _link: Link | None

    __hash__ = None  # type: ignore[assignment]  # a value that may change

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own: dict[str, Field] = {
            name: value.named(name)
            for name, value in vars(cls).items()
            if isinstance(value, (_Declaration, _OptionDeclaration))
        }
        for name, field in own.items():
            setattr(cls, name, field)
        inherited = tuple(own.pop(field.name, field) for field in cls._fields)
        cls._fields = (*inherited, *own.values())
        cls.parameters = tuple(field for field in cls._fields if isinstance(field, Parameter))
        cls.options = tuple(field for field in cls._fields if isinstance(field, Option))
        cls._written = hasattr(cls, "render")
        if cls._written:
            check_class(cls)
        if cls._fields:
            fields = [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=field.default,
                    annotation=float if isinstance(field, Parameter) else Any,
                )
                for field in cls._fields
            ]
            cls.__signature__ = inspect.Signature(fields)  # type: ignore[attr-defined]
        if not cls.__name__.startswith("_"):
            other = cls._classes.setdefault(cls.__name__, cls)
            if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(
                    f"there is an effect {cls.__name__} already, in {other.__module__}; effects are known by "
                    "their names, choose another"
                )
            cls._classes[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "_link", None)
        names = tuple(field.name for field in self._fields)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes at most {len(names)} values, got {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in names:
                raise TypeError(f"{type(self).__name__} has no parameter {unknown_name(name, names)}")
            if name in given:
                raise TypeError(f"{type(self).__name__} got two values for {name!r}")
            given[name] = value
        for field in self._fields:
            setattr(self, field.name, given.get(field.name, field.default))

    def __setattr__(self, name: str, value: object) -> None:
        if not isinstance(getattr(type(self), name, None), Field):
            names = tuple(field.name for field in self._fields)
            raise AttributeError(f"{type(self).__name__} has no parameter {unknown_name(name, names)}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

    # ---- sound ----

    def __call__(
        self,
        samples: Any,
        sample_rate: float,
        *,
        out: Any = None,
        tail: bool = False,
        layout: Layout = "channels_first",
        automation: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Process a whole signal.

        Parameters
        ----------
        samples
            ``(frames,)``, ``(channels, frames)`` or ``(batch, channels, frames)``, float32 or float64:
            a NumPy array, or any CPU array that speaks DLPack.
        sample_rate
            Frames a second.
        out
            Where to write the result; it may be `samples` itself.
        tail
            Keep what rings on after the end: the result is `Stream.tail` frames longer. Excludes `out`.
        layout
            ``"frames_first"`` when `samples` is ``(frames, channels)``.
        automation
            Values that move with the samples: ``{"0.cutoff_hz": array}`` for the parameter ``cutoff_hz`` of a
            chain's first effect, ``{"gain_db": array}`` for a single effect's own. An array has a value for
            each frame, ``(frames,)``, or for each frame of each item of a batch, ``(batch, frames)``. It is
            read at the first of every 16 frames, and reached at the last of them.
        inputs
            The other signals that effects listen to, by the names that the effects call them:
            ``Compressor(sidechain="key")`` and ``inputs={"key": array}``. Each as long as `samples`, of the
            same dtype and batch, with any number of channels.

        Returns
        -------
        array
            The same kind, dtype and shape as `samples`, latency compensated. Items of a batch are
            independent and run on all cores.

        Warns
        -----
        NonFiniteWarning
            When `samples` held infinities or not-a-numbers; they are read as silence.
        """
        from luthier.effects.stream import Stream, borrow_inputs, listened

        rate = check_sample_rate(sample_rate)
        borrowed = borrow(samples, layout=layout)
        check_channels(borrowed)
        x = borrowed.array
        if out is not None and tail:
            raise ParameterError("out= and tail=True exclude each other: the tail does not fit into out")
        target = None if out is None else borrow_out(out, borrowed, x.shape)
        keys = borrow_inputs(listened([self]), inputs, borrowed, layout)
        stream = Stream(
            self,
            rate,
            x.shape[1],
            batch=None if borrowed.ndim < 3 else x.shape[0],
            dtype=x.dtype,
            inputs={name: key.shape[1] for name, key in keys.items()},
            _offline=True,
        )
        y = stream._run(x, target, stream._lanes(automation, x.shape[2]), tuple(keys.values()), tail=tail)
        stream._warn()
        return borrowed.give(y) if out is None else out

    def stream(
        self,
        sample_rate: float,
        channels: int = 1,
        *,
        batch: int | None = None,
        dtype: Any = "float32",
        layout: Layout = "channels_first",
        inputs: Mapping[str, int] | None = None,
    ) -> Stream:
        """Start a stream: sound in blocks of any sizes, with state kept from one to the next.

        Parameters
        ----------
        sample_rate
            Frames a second.
        channels
            Channels of every block.
        batch
            Items, for blocks of shape ``(batch, channels, frames)``.
        dtype
            ``"float32"`` or ``"float64"``.
        layout
            ``"frames_first"`` when blocks are ``(frames, channels)``.
        inputs
            Channels of the other signals that effects listen to, ``{"key": 1}``; those that are not named
            have as many as the stream.
        """
        from luthier.effects.stream import Stream

        return Stream(self, sample_rate, channels, batch=batch, dtype=dtype, layout=layout, inputs=inputs)

    # ---- the value ----

    def __repr__(self) -> str:
        values = ", ".join(f"{field.name}={brief(getattr(self, field.name))}" for field in self._fields)
        return f"{type(self).__name__}({values})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Effect):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in self._fields)

    def copy(self) -> Self:
        """Return an equal effect that shares nothing with this one."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, _link=None)
        return other

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self._state())

    def _state(self) -> dict[str, Any]:
        """What a dictionary holds besides the class."""
        return {field.name: getattr(self, field.name) for field in self._fields}

    @classmethod
    def _from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(**state)

    def sample(self, seed: int, index: int = 0) -> Sample:
        """Draw all that is random: each `Uniform`, `Normal`, `Choice`, `Maybe` and so on.

        Parameters
        ----------
        seed, index : int
            Of the series, and of the draw in it: one for each item of a data set, say.

        Returns
        -------
        Sample
            The effect with a number everywhere, and the values by their places. A draw depends on the seed,
            the index and the place alone: the same on every machine, whatever else is drawn, in any order.

        Examples
        --------
        >>> import luthier.effects as fx
        >>> board = fx.Chain([fx.Gain(gain_db=fx.Uniform(-12, 0)), fx.Maybe(fx.Reverb(), 0.3)])
        >>> drawn = board.sample(seed=1, index=5)
        >>> sorted(drawn.values)
        ['0.gain_db', '1']
        """
        from luthier.effects.distributions import sample

        return sample(self, seed, index)

    @classmethod
    def migrate(cls, state: dict[str, Any], schema: int) -> dict[str, Any]:  # noqa: ARG003
        """Bring values that an earlier version wrote to what this version's constructor takes.

        A class whose parameters were renamed, or changed their meaning, overrides this.

        Parameters
        ----------
        state : dict
            The fields as they stand in the data, which may be changed.
        schema : int
            The version of the data, as in `to_dict`.
        """
        return state

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` reads back, in this and every later version."""
        return {"schema": SCHEMA, **_tree(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Effect:
        """Make the effect that `to_dict` described. Parameters that it lacks take their defaults."""
        if not isinstance(data, Mapping):
            raise ParameterError(f"an effect's data must be a mapping, got {type(data).__name__}")
        schema = data.get("schema", SCHEMA)
        if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
            raise ParameterError(
                f"this effect was written with schema {shown(schema)}, this version reads up to {SCHEMA}: "
                "update luthier-effects"
            )
        return _from_tree(data, schema)

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    @staticmethod
    def from_json(text: str) -> Effect:
        """Read what `to_json` wrote."""
        try:
            data = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(f"not JSON that holds an effect: {error}") from error
        return Effect.from_dict(data)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change when the sound of this effect may.

        They depend on the classes, their revisions, the exact parameter values and the places in chains,
        and on neither the process nor the platform.
        """
        revisions = sorted({(type(e).__name__, type(e).revision) for e in _walk(self)})
        text = json.dumps([self.to_dict(), revisions], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # ---- the stream's side ----

    def _children(self) -> tuple[Effect, ...]:
        return ()

    def _plan(self, inputs: tuple[str, ...] = ()) -> Plan:
        """Describe this effect to the native engine, which knows the other signals by their numbers."""
        key = next((getattr(self, o.name) for o in self.options if o.kind == "signal"), None)
        values = tuple(_native_value(getattr(self, p.name), inputs) for p in self.parameters)
        tapers = tuple(p.taper for p in self.parameters)
        number = -1 if key is None else inputs.index(key)
        if self._written:
            maker = functools.partial(Renderer, self.copy())
            return Plan("python", type(self).__name__, values, tapers, key=number, renderer=maker)
        name = next((cls.__name__ for cls in type(self).__mro__ if cls.__name__ in _native_fields()), None)
        options = [(option, option.native(getattr(self, option.name))) for option in self.options]
        fields = (
            tuple(p.name for p in self.parameters),
            tuple(option.name for option, value in options if value is not None),
        )
        if name is None or fields != _native_fields()[name]:
            raise StreamError(
                f"{type(self).__name__} has neither native code under its name nor a method "
                "render(self, block, values, state). A subclass of a native effect may add methods, but no "
                "parameters."
            )
        chosen = tuple(value for _, value in options if value is not None)
        return Plan("effect", name, values, tapers, chosen, self._data(), number)

    def _fit(self, channels: int) -> None:
        """Raise `LayoutError` when a signal of so many channels cannot pass."""

    def _data(self) -> npt.NDArray[np.float64] | None:
        """Return the array that the native effect gets, as rows of numbers."""
        for option in self.options:
            if option.kind == "array" and getattr(self, option.name) is not None:
                return np.atleast_2d(np.asarray(getattr(self, option.name), np.float64, order="C"))
        return None

    def _attach(self, link: Link) -> int:
        """Send assignments from now on to the running stream; returns the number of the next leaf."""
        object.__setattr__(self, "_link", link)
        return link.leaf + 1

    def _moved(self, parameter: Parameter, value: float | Moving) -> None:
        if self._link is None:
            return
        native, inputs, leaf, batch = self._link
        check_items(type(self), parameter, value, batch)
        for name in _followed(value):
            if name not in inputs:
                raise StreamError(
                    f"{type(self).__name__}.{parameter.name} of a running stream cannot follow {name!r}: the "
                    f"stream has {', '.join(map(repr, inputs)) or 'no other signals'}. Start a new stream."
                )
        native.assign(leaf, self.parameters.index(parameter), _native_value(value, inputs))

    def _chosen(self, option: Option) -> None:
        if self._link is None:
            return
        native, inputs, leaf, _ = self._link
        if option.kind == "signal" or (self._written and not getattr(self, "causal", False)):
            raise StreamError(
                f"{type(self).__name__}.{option.name} of a running stream cannot be assigned: "
                "start a new stream"
            )
        self._fit(native.channels)
        try:
            native.replace(leaf, self._plan(inputs))
        except ValueError as error:
            raise StreamError(
                f"{type(self).__name__}.{option.name} of a running stream cannot be assigned: {error}; "
                "start a new stream"
            ) from error

    def _signals(self) -> Iterator[str]:
        """The names of the other signals that this effect listens to."""
        for field in self._fields:
            value = getattr(self, field.name)
            if isinstance(field, Option):
                if field.kind == "signal" and value is not None:
                    yield value
            else:
                yield from _followed(value)

    def _find(self, path: str) -> tuple[int, int]:
        """Return the numbers of the leaf and the parameter that `path` names, ``"1.0.cutoff_hz"``."""
        if not isinstance(path, str):
            raise ParameterError(f"automation names parameters by text such as '0.gain_db', got {path!r}")
        *places, name = path.split(".")
        effect: Effect = self
        for depth, place in enumerate(places):
            children = effect._children()
            if not place.isdecimal() or len(place) > 9 or int(place) >= len(children):
                where = ".".join(places[:depth]) or "the effect"
                raise ParameterError(
                    f"automation of {path!r}: {where} has no effect number {place!r}, "
                    f"it holds {len(children)}"
                )
            effect = children[int(place)]
        names = tuple(p.name for p in effect.parameters)
        if name not in names:
            raise ParameterError(
                f"automation of {path!r}: {type(effect).__name__} has no parameter "
                f"{unknown_name(name, names)}"
            )
        return next(n for n, leaf in enumerate(_leaves(self)) if leaf is effect), names.index(name)


def _unpickle(cls: type[Effect], state: Mapping[str, Any]) -> Effect:
    return cls._from_state(state)


class Link(NamedTuple):
    """A running stream, the names of its inputs, which leaf an effect is in it, and its batch."""

    native: _native.Stream32 | _native.Stream64
    inputs: tuple[str, ...]
    leaf: int
    batch: int | None


def _followed(value: float | Moving) -> Iterator[str]:
    """The names of the signals that a parameter's value follows."""
    for one in value.values if isinstance(value, PerItem) else (value,):
        if isinstance(one, Follower):
            yield one.input


def check_items(owner: type[Effect], parameter: Parameter, value: float | Moving, batch: int | None) -> None:
    """Raise `LayoutError` when a `PerItem` has not as many values as the batch has items."""
    if isinstance(value, PerItem) and len(value.values) != batch:
        items = "no batch" if batch is None else f"a batch of {batch}"
        raise LayoutError(
            f"{owner.__name__}.{parameter.name} has {len(value.values)} values, "
            f"one for each item, but there is {items}"
        )


@functools.cache
def _native_fields() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    from luthier.effects import _native

    return _native.parameters()


def _depth(effect: Effect, limit: int = MAXIMUM_DEPTH) -> int:
    """Levels of nesting; no further than just above `limit`, for a chain may hold itself."""
    if limit < 0:
        return 1
    return 1 + max((_depth(child, limit - 1) for child in effect._children()), default=0)


def _native_value(value: float | Moving, inputs: tuple[str, ...]) -> Any:
    return value._native(inputs) if isinstance(value, Moving) else value


def _leaves(effect: Effect) -> Iterator[Effect]:
    """The effects in the order in which the native engine numbers them."""
    if effect._kind == "effect":
        yield effect
    for child in effect._children():
        yield from _leaves(child)


def _walk(effect: Effect) -> Iterator[Effect]:
    yield effect
    for child in effect._children():
        yield from _walk(child)


def _tree(effect: Effect) -> dict[str, Any]:
    data: dict[str, Any] = {"effect": type(effect).__name__}
    for key, value in effect._state().items():
        if key == "effects":
            data[key] = [_tree(e) for e in value]
        else:
            data[key] = _plain(value)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Moving):
        return value._data()
    return array_to_data(value) if isinstance(value, np.ndarray) else value


def _from_plain(value: Any) -> Any:
    if isinstance(value, Mapping) and value.keys() == {"array"}:
        return array_from_data(value["array"])
    if isinstance(value, Mapping):
        from luthier.effects.distributions import from_plain

        drawn = from_plain(value, _from_plain)
        if drawn is not None:
            return drawn
    return from_data(value)


def _from_tree(data: Mapping[str, Any], schema: int, depth: int = 0) -> Effect:
    if not isinstance(data, Mapping) or not isinstance(data.get("effect"), str):
        raise ParameterError(f"expected a mapping with a name under the key 'effect', got {shown(data)}")
    if depth > MAXIMUM_DEPTH:
        raise ParameterError(f"effects are nested more than {MAXIMUM_DEPTH} deep")
    name = data["effect"]
    effects = data.get("effects", [])
    if not isinstance(effects, (list, tuple)):
        raise ParameterError(f"the 'effects' of {name!r} must be a list, got {shown(effects)}")
    cls = Effect._classes.get(name)
    if cls is None:
        raise ParameterError(
            f"there is no effect {unknown_name(name, tuple(sorted(Effect._classes)))} "
            "(the module of one that is not luthier's has to be imported first)"
        )
    written = {key: value for key, value in data.items() if key not in ("effect", "schema")}
    state = {
        key: [_from_tree(e, schema, depth + 1) for e in value] if key == "effects" else _from_plain(value)
        for key, value in cls.migrate(written, schema).items()
    }
    try:
        return cls._from_state(state)
    except TypeError as error:
        raise ParameterError(str(error)) from error
