"""Settings of Sphinx. The pages under _api/ are written here, from each library's ``__all__``; the gallery is
written by gallery.py.
"""

import importlib
import inspect
import sys
from pathlib import Path

from luthier.core import __version__

sys.path.insert(0, str(Path(__file__).parent))
import gallery

project = "luthier"
author = "The luthier maintainers"
copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc", "myst_parser", "numpydoc"]
exclude_patterns = ["_build", "demo", "templates"]
suppress_warnings = ["myst.header"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings name types, shapes and units; the stubs hold the rest
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"] if (Path(__file__).parent / "_static").is_dir() else []
html_extra_path = ["_extra"]
html_title = f"luthier {__version__}"
html_sidebars = {"**": ["globaltoc.html"]}  # all pages, from each of them
html_theme_options = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "logo": {"text": "luthier"},
}

LIBRARIES = ("core", "io", "effects", "pitch", "pitch.models")


def directive(module, name):
    """Return the lines that document one public name, or none when it has a page of its own."""
    thing = getattr(module, name)
    full = f"{module.__name__}.{name}"
    page = Path(__file__).parent / "reference" / "effects" / f"{name}.md"
    if module.__name__ == "luthier.effects" and page.exists():
        return []
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return [f".. autoexception:: {full}", "   :show-inheritance:", ""]
    if inspect.isclass(thing):
        return [f".. autoclass:: {full}", "   :members:", "   :special-members: __call__", ""]
    if callable(thing):
        return [f".. autofunction:: {full}", ""]
    return [f".. autodata:: {full}", ""]


api = Path(__file__).parent / "_api"
api.mkdir(exist_ok=True)
for library in LIBRARIES:
    module = importlib.import_module(f"luthier.{library}")
    title = f"luthier.{library}"
    lines = [title, "=" * len(title), "", (module.__doc__ or "").strip().partition("\n")[0], ""]
    for name in module.__all__:
        lines += directive(module, name)
    text = "\n".join(lines)
    target = api / f"{library}.rst"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)

gallery.write(pages=Path(__file__).parent / "_gallery", files=Path(__file__).parent / "_extra" / "gallery")
