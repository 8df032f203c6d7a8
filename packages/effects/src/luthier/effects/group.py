"""What a chain and a mix have in common: they are lists of effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, SupportsIndex, overload

from luthier.core import StreamError
from luthier.effects.effect import Effect, Link, Plan

__all__: list[str] = []


class _Group(Effect):
    """A list of effects that is itself an effect. See `Chain` and `Mix`."""

    _effects: list[Effect]

    def __init__(self, effects: Iterable[Effect] = ()) -> None:
        super().__init__()
        if isinstance(effects, Effect) and not isinstance(effects, _Group):
            raise TypeError(f"{type(self).__name__} takes a list of effects: [{effects!r}]")
        object.__setattr__(self, "_effects", [self._check(effect) for effect in effects])

    def _check(self, effect: object) -> Effect:
        from luthier.effects.distributions import as_effect

        effect = as_effect(effect)
        if not isinstance(effect, Effect):
            raise TypeError(f"{type(self).__name__} holds effects, got {type(effect).__name__}: {effect!r}")
        return effect

    def _edit(self) -> list[Effect]:
        """The list, for a change of structure."""
        if self._link is not None:
            raise StreamError(
                "the effects of a running stream cannot be added, removed or reordered; their parameters "
                "can be assigned. Start a new stream for another structure."
            )
        return self._effects

    # ---- a list ----

    def __len__(self) -> int:
        return len(self._effects)

    def __iter__(self) -> Iterator[Effect]:
        return iter(self._effects)

    def __contains__(self, effect: object) -> bool:
        return effect in self._effects

    @overload
    def __getitem__(self, index: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if isinstance(index, slice):
            return self._like(self._effects[index])
        return self._effects[index]

    @overload
    def __setitem__(self, index: SupportsIndex, value: Effect) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Effect]) -> None: ...
    def __setitem__(self, index: SupportsIndex | slice, value: Effect | Iterable[Effect]) -> None:
        if isinstance(index, slice):
            self._edit()[index] = [self._check(effect) for effect in value]  # type: ignore[union-attr]
        else:
            self._edit()[index] = self._check(value)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        del self._edit()[index]

    def append(self, effect: Effect) -> None:
        """Add an effect at the end."""
        self._edit().append(self._check(effect))

    def extend(self, effects: Iterable[Effect]) -> None:
        """Add effects at the end."""
        self._edit().extend([self._check(effect) for effect in effects])

    def insert(self, index: SupportsIndex, effect: Effect) -> None:
        """Add an effect before `index`."""
        self._edit().insert(index, self._check(effect))

    def pop(self, index: SupportsIndex = -1) -> Effect:
        """Take an effect out and return it."""
        return self._edit().pop(index)

    def remove(self, effect: Effect) -> None:
        """Take out the first effect that equals `effect`."""
        self._edit().remove(effect)

    def clear(self) -> None:
        """Take all effects out."""
        self._edit().clear()

    def index(self, effect: Effect) -> int:
        """Return the place of the first effect that equals `effect`."""
        return self._effects.index(effect)

    def reverse(self) -> None:
        """Reverse the order in place."""
        self._edit().reverse()

    def __add__(self, other: Iterable[Effect]) -> Self:
        if not isinstance(other, (list, tuple, type(self))):
            return NotImplemented
        return self._like(self._check(effect) for effect in [*self._effects, *other])

    # ---- a value ----

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._effects!r})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, _Group):
            return NotImplemented
        return self._effects == other._effects

    def copy(self) -> Self:
        """Return an equal list of copies: nothing is shared."""
        return self._like(effect.copy() for effect in self._effects)

    def _state(self) -> dict[str, Any]:
        return {"effects": list(self._effects)}

    @classmethod
    def _from_state(cls, state: Mapping[str, Any]) -> Self:
        if state.keys() - {"effects"}:
            raise TypeError(f"{cls.__name__} has 'effects' and nothing else, got {sorted(state)}")
        empty = cls.__new__(cls)
        return empty._like(empty._check(effect) for effect in state.get("effects", ()))

    def _like(self, effects: Iterable[Effect]) -> Self:
        """Return another of this class that holds `effects`, whatever a subclass's constructor takes."""
        other = type(self).__new__(type(self))
        other.__dict__.update(_link=None, _effects=list(effects))
        return other

    # ---- the stream's side ----

    def _children(self) -> tuple[Effect, ...]:
        return tuple(self._effects)

    def _plan(self, inputs: tuple[str, ...] = ()) -> Plan:
        return Plan(self._kind, children=tuple(effect._plan(inputs) for effect in self._effects))

    def _attach(self, link: Link) -> int:
        for effect in self._effects:
            link = link._replace(leaf=effect._attach(link))
        object.__setattr__(self, "_link", link._replace(leaf=-1))
        return link.leaf
