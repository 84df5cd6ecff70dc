"""How Sphinx builds this documentation; `nox -s docs` does it."""

# ruff: noqa: INP001 - a file of settings, not a module

from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "sagemaker-plans"
author = "The sagemaker-plans developers"
copyright = "The sagemaker-plans developers"  # noqa: A001  # Sphinx's name of it
release = version_of("sagemaker-plans")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",  # links to the source
    "sphinx_copybutton",
]
# Prompts are not copied, and neither is what a command prints.
copybutton_prompt_text = "$ "
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"
exclude_patterns = ["_build", "examples"]
templates_path: list[str] = []

# Headings get addresses, so that a page can point into another one.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_title = f"sagemaker-plans {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["output.css"]
html_theme_options = {"navigation_with_keys": True}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
add_module_names = False
# The docstrings of the emulator write code in single backquotes.
default_role = "code"
napoleon_numpy_docstring = False
# An attribute is documented where it is written, not a second time under "Attributes".
napoleon_use_ivar = False

nitpicky = True
# The standard library and the libraries below have pages of their own, on other sites;
# nothing is downloaded for a build, so names of theirs lead nowhere.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(collections\.abc|datetime|decimal|enum|typing|types|os|pathlib|contextlib|abc|rich)\..*",
    ),
    # A protocol behind an annotation, which says what it takes.
    (r"py:class", r"sagemaker_plans\.models\._validation\.Collected"),
    (r"py:.*", r"(aiobotocore|aio\.|AioSession|AioConfig|rich).*"),
    # Type variables have no entry of their own.
    (r"py:class", r"sagemaker_plans\._engine\.pagination\.(ItemT|PageT)"),
]

_attribute_docstrings: dict[str, list[str]] = {}


def keep_attribute(
    _app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Put an attribute's docstring by: napoleon takes words before a colon for a type."""
    if what == "attribute":
        _attribute_docstrings[name] = [*lines]


def restore_attribute(
    _app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Give an attribute its own docstring back."""
    if what == "attribute":
        lines[:] = _attribute_docstrings.pop(name)


def setup(app: Sphinx) -> None:
    """Stand on both sides of napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", keep_attribute, priority=400)
    app.connect("autodoc-process-docstring", restore_attribute, priority=600)
