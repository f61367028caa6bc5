"""retention: keeps the promises that companies make in their privacy policies.

Importing the package loads no database driver and no heavy library; the
functions of `retention.verbs` are the library's face, `retention.cli` the
command line over them.
"""

__version__ = "0.1.0"
