"""Files behind URLs, through fsspec where that is installed."""

from __future__ import annotations

from typing import Any

from luthier.core import MissingDependencyError, ParameterError

__all__ = ["is_url", "opener"]


def is_url(text: str) -> bool:
    """Whether it is a URL for fsspec, ``"s3://bucket/take.wav"``."""
    return "://" in text


def opener(url: str, mode: str) -> Any:
    """Return fsspec's file of a URL, which a ``with`` block opens and closes."""
    try:
        import fsspec  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise MissingDependencyError(
            f"{url}: URLs need fsspec. Install it with: pip install 'luthier-io[fsspec]' "
            "(a file whose path holds '://' is given as a pathlib.Path)"
        ) from None
    try:
        return fsspec.open(url, mode)
    except ImportError as error:
        raise MissingDependencyError(f"{url}: fsspec needs one more package for it: {error}") from error
    except ValueError as error:
        scheme = url.partition("://")[0]
        raise ParameterError(f"{url}: fsspec cannot open {scheme}:// URLs: {error}") from error
