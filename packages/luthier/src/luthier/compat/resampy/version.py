"""The version of resampy whose face this is."""

__all__ = ["short_version", "version"]

short_version = "0.4"
version = "0.4.3"
