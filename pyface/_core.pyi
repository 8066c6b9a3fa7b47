"""The compiled module. Private: validated public functions live in pyface.kernels."""

__version__: str
compiler: str
build_type: str
